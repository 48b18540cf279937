/**
 * The session state that all tabs share, stored in `localStorage`.
 *
 * In cookie mode it contains no secret. Otherwise it contains the refresh token, which any script on the page can read, so
 * prefer cookie mode (`REFRESH_COOKIE=on`).
 */
export interface SessionRecord {
  readonly generation: number;
  /** The generation of the sign-in that started the session. */
  readonly family: number;
  /** Null in cookie mode, where the browser sends the token. */
  readonly refreshToken: string | null;
  /** When the access token of this generation becomes stale. Until then another tab may hold it. */
  readonly staleAt: number;
}

/** The subset of the Web Storage API that is used. */
export type KeyValueStore = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

export class RecordStore {
  readonly #store: KeyValueStore;
  readonly #key: string;

  constructor(store: KeyValueStore, key: string) {
    this.#store = store;
    this.#key = key;
  }

  /** Null without a session, and for an invalid value. */
  read(): SessionRecord | null {
    const text = this.#store.getItem(this.#key);
    if (text === null) return null;
    try {
      const value: unknown = JSON.parse(text);
      // Records of earlier versions of this package have no family.
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

/** An in-memory store: the session ends with the tab. For pages without access to `localStorage`, and for tests. */
export function memoryStore(): KeyValueStore {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}
