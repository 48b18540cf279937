import type { Lease } from './lease.ts';
import type { AccessToken } from './tokens.ts';

/** How long the other tabs have to answer. One that the browser froze will not, and then we do without. */
const ANSWER_MS = 150;

type Message =
  | { readonly type: 'ask'; readonly generation: number }
  | { readonly type: 'token'; readonly access: AccessToken }
  | { readonly type: 'signedOut'; readonly generation: number };

export interface TabEvents {
  /** The newest token that this tab has. */
  held(): AccessToken | null;
  /** Another tab has a token, ours or a newer one. */
  token(access: AccessToken): void;
  /** Another tab ended the session; its tokens up to this generation are worth nothing. */
  signedOut(generation: number): void;
}

/**
 * The other tabs of the same origin: one of them renews, all of them use what it got.
 *
 * Web Locks decide who renews, or a lease in the shared store where a browser has no locks (an insecure context has none):
 * two refreshes at once could show the service a token that was replaced two steps ago, which it takes for theft. A
 * broadcast hands the access token on, so that it need not be stored; without it each tab refreshes in its turn.
 */
export class Tabs {
  readonly #name: string;
  readonly #lease: Lease;
  readonly #channel: BroadcastChannel | null;
  readonly #asking = new Set<(access: AccessToken) => void>();

  constructor(name: string, lease: Lease, events: TabEvents) {
    this.#name = name;
    this.#lease = lease;
    this.#channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(name);
    this.#channel?.addEventListener('message', ({ data }: MessageEvent<Message>) => {
      switch (data.type) {
        case 'ask': {
          const access = events.held();
          if (access && access.generation >= data.generation) this.tell(access);
          break;
        }
        case 'token':
          events.token(data.access);
          for (const answer of this.#asking) answer(data.access);
          break;
        case 'signedOut':
          events.signedOut(data.generation);
          break;
      }
    });
    // In Node, as on a server that renders pages, an open channel would keep the process from ending.
    unref(this.#channel);
  }

  tell(access: AccessToken): void {
    this.#post({ type: 'token', access });
  }

  tellSignedOut(generation: number): void {
    this.#post({ type: 'signedOut', generation });
  }

  /** A token of this generation or a newer one, if another tab has one and answers in time. */
  ask(generation: number): Promise<AccessToken | null> {
    if (!this.#channel) return Promise.resolve(null);
    return new Promise((resolve) => {
      const done = (access: AccessToken | null): void => {
        clearTimeout(timer);
        this.#asking.delete(answer);
        resolve(access);
      };
      const answer = (access: AccessToken): void => {
        if (access.generation >= generation) done(access);
      };
      const timer = setTimeout(done, ANSWER_MS, null);
      this.#asking.add(answer);
      this.#post({ type: 'ask', generation });
    });
  }

  /** Does `work` while no other tab does. */
  alone<Result>(work: () => Promise<Result>): Promise<Result> {
    if (typeof navigator === 'undefined' || !('locks' in navigator)) return this.#lease.hold(work);
    return navigator.locks.request(`${this.#name}.renew`, work);
  }

  close(): void {
    this.#channel?.close();
  }

  #post(message: Message): void {
    this.#channel?.postMessage(message);
  }
}

/** Node's `unref`, which browsers do not have. */
function unref(channel: (BroadcastChannel & { readonly unref?: () => void }) | null): void {
  channel?.unref?.();
}
