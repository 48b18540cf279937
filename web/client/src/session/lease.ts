import type { KeyValueStore } from './record.ts';

/**
 * The lifetime of a lease. A refresh times out earlier (`refresh.ts`), so an expired lease belongs to a tab that was closed.
 */
const LEASE_MS = 30_000;
/** The delay between write and check: longer than a browser needs to make one tab's write visible to the others. */
const SETTLE_MS = 60;
/** The poll interval of a waiting tab, before jitter. */
const POLL_MS = 40;

interface LeaseRecord {
  readonly owner: string;
  /** Unix time in milliseconds. */
  readonly until: number;
}

/**
 * Mutual exclusion between the tabs of one origin without Web Locks, which need a secure context (HTTPS).
 *
 * A tab writes a lease to the shared store and holds it if the same lease is still there after a short delay. If two tabs
 * write at the same time, the later write wins.
 */
export class Lease {
  readonly #store: KeyValueStore;
  readonly #key: string;
  readonly #owner = crypto.getRandomValues(new Uint32Array(2)).join('-');

  constructor(store: KeyValueStore, key: string) {
    this.#store = store;
    this.#key = key;
  }

  /** Acquires the lease, runs `work`, and releases the lease. */
  async withLease<Result>(work: () => Promise<Result>): Promise<Result> {
    while (!(await this.#acquire())) await pause(POLL_MS * (1 + Math.random()));
    try {
      return await work();
    } finally {
      if (this.#read()?.owner === this.#owner) this.#store.removeItem(this.#key);
    }
  }

  async #acquire(): Promise<boolean> {
    const held = this.#read();
    if (held && held.owner !== this.#owner && Date.now() < held.until) return false;
    const until = Date.now() + LEASE_MS;
    this.#store.setItem(this.#key, JSON.stringify({ owner: this.#owner, until } satisfies LeaseRecord));
    await pause(SETTLE_MS);
    // Timers of background tabs may fire late: the rest of the lease has to be long enough for a refresh.
    return this.#read()?.owner === this.#owner && Date.now() < until - LEASE_MS / 4;
  }

  /** Null if there is no valid lease. */
  #read(): LeaseRecord | null {
    try {
      const value = JSON.parse(this.#store.getItem(this.#key) ?? 'null') as Partial<LeaseRecord> | null;
      return typeof value?.owner === 'string' && typeof value.until === 'number' ? (value as LeaseRecord) : null;
    } catch {
      return null;
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
