import { useEffect, useReducer } from 'react';

import type { ServerClock } from '../verification/server-clock.ts';

/**
 * Whole seconds until `instant` (RFC 3339) by the service's clock: counts down to 0 and stays there. 0 for null.
 *
 * The tick falls on the change of the second, so that two countdowns on a page move together.
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
