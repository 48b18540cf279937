/**
 * - `idle`: nobody listens, so nothing is open
 * - `connecting`: the first attempt is under way
 * - `open`
 * - `waiting`: it was lost, or did not come about; another attempt follows by itself
 */
export type ConnectionState = 'idle' | 'connecting' | 'open' | 'waiting';

/** The state of a transport's connection, to be shown or acted on. Fits React's `useSyncExternalStore`. */
export interface Connection {
  get(): ConnectionState;
  /** Returns the way to stop listening. */
  subscribe(listener: () => void): () => void;
}

/** The end of a `Connection` that its transport holds. */
export interface OwnConnection extends Connection {
  set(state: ConnectionState): void;
}

export function makeConnection(): OwnConnection {
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
