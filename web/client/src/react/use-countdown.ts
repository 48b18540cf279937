import { useEffect, useReducer } from 'react';

import type { ServerClock } from '../verification/server-clock.ts';

/**
 * Whole seconds until `instant` (RFC 3339) by the service's clock, down to 0. Returns 0 for null.
 *
 * It updates when the second changes, so that several countdowns on a page stay in step.
 */
export function useCountdown(instant: string | null, clock: ServerClock): number {
  const [, tick] = useReducer((ticks: number) => ticks + 1, 0);
  const seconds = instant === null ? 0 : clock.secondsUntil(instant);
  useEffect(() => {
    if (instant === null || seconds === 0) return;
    const untilNextSecond = Date.parse(instant) - clock.now() - (seconds - 1) * 1_000;
    const timer = setTimeout(tick, Math.max(untilNextSecond, 50));
    return () => {
      clearTimeout(timer);
    };
  });
  return seconds;
}
