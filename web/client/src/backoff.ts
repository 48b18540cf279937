const FIRST_MS = 400;
const LONGEST_MS = 10_000;

/**
 * How long to wait before the attempt after `failures` failed ones, in milliseconds: doubling, never above ten seconds,
 * and spread over the upper half, so that all the pages of a restarted service do not come back in one instant.
 */
export function backoff(failures: number, chance: number = Math.random()): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** failures);
  return ceiling / 2 + (ceiling / 2) * chance;
}

/** Ends early when the device comes back: on the network, or with the page in front of somebody. */
export type WakeUps = (listener: () => void) => () => void;

/**
 * The moments at which waiting stops making sense. A phone freezes a page while its owner reads the message in another
 * app; what was missed should be there when they return, not after the next retry.
 */
export const pageWakeUps: WakeUps = (listener) => {
  if (typeof document === 'undefined') return () => undefined;
  const onVisible = (): void => {
    if (document.visibilityState === 'visible') listener();
  };
  document.addEventListener('visibilitychange', onVisible);
  window.addEventListener('online', listener);
  window.addEventListener('pageshow', listener);
  return () => {
    document.removeEventListener('visibilitychange', onVisible);
    window.removeEventListener('online', listener);
    window.removeEventListener('pageshow', listener);
  };
};

/** Resolves after the back-off, or as soon as the device wakes up. */
export function patience(failures: number, wakeUps: WakeUps = pageWakeUps): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      forget();
      resolve();
    };
    const timer = setTimeout(done, backoff(failures));
    const forget = wakeUps(done);
  });
}
