import type { Lease } from './lease.ts';
import type { AccessToken } from './tokens.ts';

/** The time limit for responses of other tabs. Frozen tabs do not respond. */
const RESPONSE_TIMEOUT_MS = 150;

type Message =
  | { readonly type: 'request'; readonly generation: number }
  | { readonly type: 'token'; readonly access: AccessToken }
  | { readonly type: 'signedOut'; readonly generation: number };

export interface TabEvents {
  /** The newest token of this tab. */
  currentToken(): AccessToken | null;
  /** Another tab sent a token, which may be the one this tab has. */
  tokenReceived(access: AccessToken): void;
  /** Another tab ended the session. Tokens up to this generation are invalid. */
  signedOut(generation: number): void;
}

/**
 * Coordinates the tabs of one origin: one tab renews the tokens, and all tabs use them.
 *
 * A Web Lock serialises renewals, or a lease in the shared store without Web Locks (insecure contexts). Concurrent refreshes
 * could send a token that was rotated twice, which the service treats as token theft. A `BroadcastChannel` distributes the
 * access token, so that it is never stored. Without `BroadcastChannel` each tab refreshes separately.
 */
export class Tabs {
  readonly #name: string;
  readonly #lease: Lease;
  readonly #channel: BroadcastChannel | null;
  readonly #pending = new Set<(access: AccessToken) => void>();

  constructor(name: string, lease: Lease, events: TabEvents) {
    this.#name = name;
    this.#lease = lease;
    this.#channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(name);
    this.#channel?.addEventListener('message', ({ data }: MessageEvent<Message>) => {
      switch (data.type) {
        case 'request': {
          const access = events.currentToken();
          if (access && access.generation >= data.generation) this.broadcast(access);
          break;
        }
        case 'token':
          events.tokenReceived(data.access);
          for (const resolve of this.#pending) resolve(data.access);
          break;
        case 'signedOut':
          events.signedOut(data.generation);
          break;
      }
    });
    // In Node (server-side rendering) an open channel would keep the process alive.
    unref(this.#channel);
  }

  broadcast(access: AccessToken): void {
    this.#post({ type: 'token', access });
  }

  broadcastSignedOut(generation: number): void {
    this.#post({ type: 'signedOut', generation });
  }

  /** Requests a token of this generation or a newer one. Null if no other tab responds in time. */
  requestToken(generation: number): Promise<AccessToken | null> {
    if (!this.#channel) return Promise.resolve(null);
    return new Promise((resolve) => {
      const done = (access: AccessToken | null): void => {
        clearTimeout(timer);
        this.#pending.delete(answer);
        resolve(access);
      };
      const answer = (access: AccessToken): void => {
        if (access.generation >= generation) done(access);
      };
      const timer = setTimeout(done, RESPONSE_TIMEOUT_MS, null);
      this.#pending.add(answer);
      this.#post({ type: 'request', generation });
    });
  }

  /** Runs `work` under the lock that all tabs share. */
  withLock<Result>(work: () => Promise<Result>): Promise<Result> {
    if (typeof navigator === 'undefined' || !('locks' in navigator)) return this.#lease.withLease(work);
    return navigator.locks.request(`${this.#name}.renew`, work);
  }

  close(): void {
    this.#channel?.close();
  }

  #post(message: Message): void {
    this.#channel?.postMessage(message);
  }
}

/** `unref` exists only in Node. */
function unref(channel: (BroadcastChannel & { readonly unref?: () => void }) | null): void {
  channel?.unref?.();
}
