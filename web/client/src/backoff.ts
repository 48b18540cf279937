const FIRST_MS = 400;
const MAX_MS = 10_000;

/**
 * The delay in milliseconds before the next attempt after `failures` failed ones. It doubles up to ten seconds. Jitter over
 * the upper half keeps clients from reconnecting at the same moment after a restart of the service.
 */
export function backoff(failures: number, jitter: number = Math.random()): number {
  const ceiling = Math.min(MAX_MS, FIRST_MS * 2 ** failures);
  return ceiling / 2 + (ceiling / 2) * jitter;
}

/** Subscribes to events after which a retry should run at once. Returns the function that unsubscribes. */
export type WakeEvents = (listener: () => void) => () => void;

/**
 * The page becomes visible or the device comes online. Phones freeze a page while the user reads the message in another app;
 * the current state should be fetched when they return, not after the next retry delay.
 */
export const pageWakeEvents: WakeEvents = (listener) => {
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

/** Resolves after the backoff delay, or at the next wake event. */
export function waitForRetry(failures: number, wakeEvents: WakeEvents = pageWakeEvents): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      unsubscribe();
      resolve();
    };
    const timer = setTimeout(done, backoff(failures));
    const unsubscribe = wakeEvents(done);
  });
}
