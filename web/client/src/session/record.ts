/**
 * What every tab must agree on: that somebody is signed in, and which tokens are the newest.
 *
 * Kept in `localStorage`. With the refresh token in a cookie there is nothing secret in it; without, the refresh token is,
 * and then any script on the page can read it: cookie mode is the better choice where the service allows it.
 */
export interface SessionRecord {
  readonly generation: number;
  /** The generation of the sign-in that all of this goes back to. */
  readonly family: number;
  /** Null in cookie mode, where the browser sends it by itself. */
  readonly refreshToken: string | null;
  /** When the access token of this generation goes stale: until then another tab may still have it. */
  readonly staleAt: number;
}

/** The part of the Web Storage API that is needed. */
export type KeyValueStore = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

export class RecordKeeper {
  readonly #store: KeyValueStore;
  readonly #key: string;

  constructor(store: KeyValueStore, key: string) {
    this.#store = store;
    this.#key = key;
  }

  /** Null where nobody is signed in. Whatever else stands under the key counts as nothing. */
  read(): SessionRecord | null {
    const text = this.#store.getItem(this.#key);
    if (text === null) return null;
    try {
      const value: unknown = JSON.parse(text);
      // A record of an earlier version of this package names no family.
      return isRecord(value) ? { ...value, family: value.family ?? value.generation } : null;
    } catch {
      return null;
    }
  }

  write(record: SessionRecord): void {
    this.#store.setItem(this.#key, JSON.stringify(record));
  }

  clear(): void {
    this.#store.removeItem(this.#key);
  }
}

type StoredRecord = Omit<SessionRecord, 'family'> & { readonly family?: number };

function isRecord(value: unknown): value is StoredRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { generation, family, refreshToken, staleAt } = value as Record<keyof SessionRecord, unknown>;
  return (
    typeof generation === 'number' &&
    (family === undefined || typeof family === 'number') &&
    typeof staleAt === 'number' &&
    (refreshToken === null || typeof refreshToken === 'string')
  );
}

/** For pages that may keep nothing, and for tests: a session that lasts as long as its tab. */
export function memoryStore(): KeyValueStore {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}
