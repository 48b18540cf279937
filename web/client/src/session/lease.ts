import type { KeyValueStore } from './record.ts';

/**
 * How long a lease is good for if its holder dies. A refresh gives up earlier (`refresh.ts`), so a lease that ran out
 * belongs to a tab that was closed.
 */
const LEASE_MS = 30_000;
/** From the write to the check: longer than a browser takes to show one tab's write to the others. */
const SETTLE_MS = 60;
/** How often a tab that waits looks again; spread, so that two of them do not stay in step. */
const LOOK_AGAIN_MS = 40;

interface Held {
  readonly owner: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/**
 * Mutual exclusion between the tabs of one origin where Web Locks are missing, as on a page that is not served over HTTPS.
 *
 * A lease is written to the store that the tabs share, and counts once it was still there after a moment: of two tabs that
 * wrote at the same time, the later write remains and its tab goes first.
 */
export class Lease {
  readonly #store: KeyValueStore;
  readonly #key: string;
  readonly #owner = crypto.getRandomValues(new Uint32Array(2)).join('-');

  constructor(store: KeyValueStore, key: string) {
    this.#store = store;
    this.#key = key;
  }

  /** Runs `work` while no other tab holds the lease. */
  async hold<Result>(work: () => Promise<Result>): Promise<Result> {
    while (!(await this.#take())) await pause(LOOK_AGAIN_MS * (1 + Math.random()));
    try {
      return await work();
    } finally {
      if (this.#read()?.owner === this.#owner) this.#store.removeItem(this.#key);
    }
  }

  async #take(): Promise<boolean> {
    const held = this.#read();
    if (held && held.owner !== this.#owner && Date.now() < held.until) return false;
    const until = Date.now() + LEASE_MS;
    this.#store.setItem(this.#key, JSON.stringify({ owner: this.#owner, until } satisfies Held));
    await pause(SETTLE_MS);
    // A tab in the background may have been woken late: what is left of the lease has to be enough for a refresh.
    return this.#read()?.owner === this.#owner && Date.now() < until - LEASE_MS / 4;
  }

  /** Null for no lease, and for anything that is not one. */
  #read(): Held | null {
    try {
      const value = JSON.parse(this.#store.getItem(this.#key) ?? 'null') as Partial<Held> | null;
      return typeof value?.owner === 'string' && typeof value.until === 'number' ? (value as Held) : null;
    } catch {
      return null;
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
