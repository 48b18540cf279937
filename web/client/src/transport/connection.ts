/**
 * - `idle`: no subscription, so no connection
 * - `connecting`: the first attempt is in progress
 * - `open`
 * - `reconnecting`: the connection was lost or could not be opened; another attempt follows
 */
export type ConnectionState = 'idle' | 'connecting' | 'open' | 'reconnecting';

/** The observable state of a transport's connection. Works with React's `useSyncExternalStore`. */
export interface Connection {
  get(): ConnectionState;
  /** Returns the function that unsubscribes. */
  subscribe(listener: () => void): () => void;
}

/** A `Connection` that its transport can update. */
export interface MutableConnection extends Connection {
  set(state: ConnectionState): void;
}

export function createConnection(): MutableConnection {
  const listeners = new Set<() => void>();
  let current: ConnectionState = 'idle';
  return {
    get: () => current,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set(state) {
      if (state === current) return;
      current = state;
      for (const listener of listeners) listener();
    },
  };
}
