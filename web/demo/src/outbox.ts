import { useSyncExternalStore } from 'react';

/** Without a response within this time, no outbox is shown. */
const TIMEOUT_MS = 3_000;

const listeners = new Set<() => void>();
let isAvailable = false;

async function checkOutbox(): Promise<void> {
  try {
    const response = await fetch('/dev/outbox', {
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    isAvailable = response.ok && (response.headers.get('content-type')?.startsWith('application/json') ?? false);
  } catch {
    return;
  }
  for (const listener of listeners) listener();
}

void checkOutbox();

/** Whether the service exposes the development outbox. False until it has responded. */
export function useHasOutbox(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => isAvailable,
  );
}
