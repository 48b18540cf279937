import { Lease } from './lease.ts';
import { memoryStore, RecordStore, type KeyValueStore } from './record.ts';
import type { EndReason, Renew } from './refresh.ts';
import { Tabs } from './tabs.ts';
import {
  accessTokenOf,
  holdStepUpToken,
  type AccessToken,
  type HeldStepUpToken,
  type StepUpToken,
  type TokenPair,
} from './tokens.ts';

export interface SessionOptions {
  readonly renew: Renew;
  /** The name of the lock, the channel and the stored record. Set it if one origin uses several services. */
  readonly name?: string;
  /** Default: `localStorage`, or memory if it is not available. */
  readonly store?: KeyValueStore;
}

/** The result of a sign-in or a sign-up. */
export interface SignedIn {
  readonly tokens: TokenPair;
  /** Null in cookie mode, where the browser stores it. */
  readonly deviceToken: string | null;
}

/**
 * The session of this browser, shared by all tabs.
 *
 * `accessToken` returns a valid access token. If the service rejects it, `renew` returns the next one. Concurrent requests and
 * tabs use each refresh token once.
 */
export class Session {
  readonly #renewTokens: Renew;
  readonly #store: KeyValueStore;
  readonly #deviceKey: string;
  readonly #record: RecordStore;
  readonly #tabs: Tabs;
  readonly #listeners = new Set<() => void>();
  #access: AccessToken | null = null;
  #stepUp: HeldStepUpToken | null = null;
  #renewing: Promise<string | null> | null = null;
  #signedIn: boolean;
  /** Tokens up to this generation belong to an ended session. A slow tab may still send one. */
  #endedGeneration = 0;
  #endReason: EndReason | null = null;

  constructor({ renew, name = 'countersign', store = defaultStore() }: SessionOptions) {
    this.#renewTokens = renew;
    this.#store = store;
    this.#deviceKey = `${name}.device`;
    this.#record = new RecordStore(store, `${name}.session`);
    this.#signedIn = this.#record.read() !== null;
    this.#tabs = new Tabs(name, new Lease(store, `${name}.renewing`), {
      currentToken: () => this.#access,
      tokenReceived: (access) => {
        this.#setAccess(access);
      },
      signedOut: (generation) => {
        this.#clear(null, generation);
      },
    });
  }

  /** Whether this browser has a session. Works with `useSyncExternalStore` together with `subscribe`. */
  readonly isSignedIn = (): boolean => this.#signedIn;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Why the service ended the session; null after a sign-out, a sign-in or without a session. */
  get endReason(): EndReason | null {
    return this.#endReason;
  }

  /** Identifies this device. Send it with the next sign-in, so that failed attempts from elsewhere do not lock it out. */
  get deviceToken(): string | null {
    return this.#store.getItem(this.#deviceKey);
  }

  /** Stores the tokens of a sign-in or a sign-up. */
  signIn({ tokens, deviceToken }: SignedIn): void {
    this.storeDeviceToken(deviceToken);
    this.#save(tokens, null);
  }

  /**
   * Stores the device token of any other result. A password reset, a password change and a sign-out everywhere revoke all
   * device tokens of the account and issue a new one to this device. Null keeps the stored token.
   */
  storeDeviceToken(deviceToken: string | null): void {
    if (deviceToken !== null) this.#store.setItem(this.#deviceKey, deviceToken);
  }

  /** Deletes the tokens in all tabs. Call the `signOut` mutation first: this method sends no request. */
  signOut(): void {
    this.#end(null);
  }

  /** The access token if it needs no renewal, otherwise null. Synchronous. */
  freshAccessToken(): string | null {
    return this.#access && Date.now() < this.#access.staleAt ? this.#access.token : null;
  }

  /** Stores the result of `reauthenticate`. Mutations of this tab use it while it is fresh; queries and streams never do. */
  setStepUpToken(token: StepUpToken): void {
    const family = this.#access?.family ?? this.#record.read()?.family;
    if (family !== undefined) this.#stepUp = holdStepUpToken(token, family, Date.now());
  }

  /** The access token of a recent authentication in this tab, or null if there is none or it is no longer fresh. */
  stepUpToken(): string | null {
    return this.#stepUp && Date.now() < this.#stepUp.staleAt ? this.#stepUp.token : null;
  }

  /** Deletes the step-up token. The session's tokens do not change. */
  clearStepUpToken(): void {
    this.#stepUp = null;
  }

  /** A valid access token; null without a session. Rejects with a `RequestError` if renewal fails. */
  accessToken(): Promise<string | null> {
    if (!this.#signedIn) return Promise.resolve(null);
    const fresh = this.freshAccessToken();
    return fresh === null ? this.#renewOnce(null) : Promise.resolve(fresh);
  }

  /** The token that replaces `rejected`. Null if the session has ended. */
  renew(rejected: string): Promise<string | null> {
    if (!this.#signedIn) return Promise.resolve(null);
    if (rejected === this.#stepUp?.token) {
      // Rejected before it expired, so the session may have ended. A renewal finds out.
      this.clearStepUpToken();
      return this.#renewOnce(this.freshAccessToken());
    }
    const fresh = this.freshAccessToken();
    // Already renewed since the rejected token was sent.
    if (fresh !== null && fresh !== rejected) return Promise.resolve(fresh);
    return this.#renewOnce(rejected);
  }

  /** Closes the channel to the other tabs. For tests, and for pages that replace their session. */
  close(): void {
    this.#tabs.close();
  }

  #renewOnce(rejected: string | null): Promise<string | null> {
    this.#renewing ??= this.#tabs
      .withLock(() => this.#renewLocked(rejected))
      .finally(() => {
        this.#renewing = null;
      });
    return this.#renewing;
  }

  async #renewLocked(rejected: string | null): Promise<string | null> {
    // Another tab may have renewed while this one waited for the lock, and its broadcast has arrived.
    const fresh = this.freshAccessToken();
    if (fresh !== null && fresh !== rejected) return fresh;
    const record = this.#record.read();
    if (!record) {
      this.#clear(null, this.#access?.generation ?? 0);
      return null;
    }
    // The broadcast may be missing, for example in a page opened later: request the token that the record mentions.
    if (record.generation > (this.#access?.generation ?? 0) && Date.now() < record.staleAt) {
      const shared = this.#newest(await this.#tabs.requestToken(record.generation));
      if (shared && shared.token !== rejected && Date.now() < shared.staleAt) {
        this.#setAccess(shared);
        return shared.token;
      }
    }
    const renewal = await this.#renewTokens(record.refreshToken);
    // A sign-out or another sign-in happened meanwhile: these tokens must not restore the old session. A new session has
    // a token of a later generation.
    if (this.#record.read()?.generation !== record.generation) return this.#renewLocked(rejected);
    if (renewal.type === 'ended') {
      this.#end(renewal.reason);
      return null;
    }
    return this.#save(renewal.tokens, record.family).token;
  }

  /** A broadcast may have arrived during the request. */
  #newest(answered: AccessToken | null): AccessToken | null {
    const held = this.#access;
    return held && held.generation >= (answered?.generation ?? 0) ? held : answered;
  }

  /** `family` is null for a sign-in, which starts a new one. */
  #save(tokens: TokenPair, family: number | null): AccessToken {
    // The clock keeps the generations of consecutive sessions apart.
    const generation = Math.max((this.#record.read()?.generation ?? 0) + 1, Date.now());
    const access = accessTokenOf(tokens, { generation, family: family ?? generation }, Date.now());
    const { staleAt } = access;
    this.#record.write({ generation, family: access.family, refreshToken: tokens.refreshToken, staleAt });
    this.#setAccess(access);
    this.#tabs.broadcast(access);
    return access;
  }

  #setAccess(access: AccessToken): void {
    if (access.generation <= this.#endedGeneration) return;
    if (this.#access && this.#access.generation > access.generation) return;
    this.#access = access;
    // A renewal keeps the step-up token. A sign-in in any tab may belong to another account.
    if (this.#stepUp?.family !== access.family) this.clearStepUpToken();
    this.#endReason = null;
    this.#setSignedIn(true);
  }

  #end(reason: EndReason | null): void {
    const generation = Math.max(this.#record.read()?.generation ?? 0, this.#access?.generation ?? 0);
    this.#record.clear();
    this.#clear(reason, generation);
    this.#tabs.broadcastSignedOut(generation);
  }

  #clear(reason: EndReason | null, generation: number): void {
    this.#endedGeneration = Math.max(this.#endedGeneration, generation);
    this.#access = null;
    this.clearStepUpToken();
    this.#endReason = reason;
    this.#setSignedIn(false);
  }

  #setSignedIn(signedIn: boolean): void {
    if (signedIn === this.#signedIn) return;
    this.#signedIn = signedIn;
    for (const listener of this.#listeners) listener();
  }
}

function defaultStore(): KeyValueStore {
  try {
    return typeof localStorage === 'undefined' ? memoryStore() : localStorage;
  } catch {
    // Browsers that block storage throw on access.
    return memoryStore();
  }
}
