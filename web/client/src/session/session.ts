import { Lease } from './lease.ts';
import { memoryStore, RecordKeeper, type KeyValueStore } from './record.ts';
import type { EndReason, Renew } from './refresh.ts';
import { Tabs } from './tabs.ts';
import {
  accessTokenOf,
  elevatedTokenOf,
  type AccessToken,
  type ElevatedToken,
  type Elevation,
  type TokenPair,
} from './tokens.ts';

export interface SessionOptions {
  readonly renew: Renew;
  /** Names the lock, the channel and the stored record; apart from the default only where one origin has several services. */
  readonly name?: string;
  /** Left out: `localStorage`, or memory where there is none. */
  readonly store?: KeyValueStore;
}

/** What a sign-in or a sign-up answers. */
export interface SignedIn {
  readonly tokens: TokenPair;
  /** Null in cookie mode, where the browser keeps it by itself. */
  readonly deviceToken: string | null;
}

/**
 * Who is signed in, in all tabs at once.
 *
 * `bearer` hands out an access token that lives; whoever finds it refused says so by `renew` and gets the next one. However
 * many requests and tabs ask, the refresh token is spent once.
 */
export class Session {
  readonly #renewOverWire: Renew;
  readonly #store: KeyValueStore;
  readonly #deviceKey: string;
  readonly #record: RecordKeeper;
  readonly #tabs: Tabs;
  readonly #listeners = new Set<() => void>();
  #access: AccessToken | null = null;
  #elevated: ElevatedToken | null = null;
  #renewing: Promise<string | null> | null = null;
  #signedIn: boolean;
  /** Tokens up to this generation belong to a session that is over; one may still arrive from a slow tab. */
  #endedGeneration = 0;
  #endReason: EndReason | null = null;

  constructor({ renew, name = 'countersign', store = defaultStore() }: SessionOptions) {
    this.#renewOverWire = renew;
    this.#store = store;
    this.#deviceKey = `${name}.device`;
    this.#record = new RecordKeeper(store, `${name}.session`);
    this.#signedIn = this.#record.read() !== null;
    this.#tabs = new Tabs(name, new Lease(store, `${name}.renewing`), {
      held: () => this.#access,
      token: (access) => {
        this.#hold(access);
      },
      signedOut: (generation) => {
        this.#drop(null, generation);
      },
    });
  }

  /** Whether somebody is, as far as this device knows. Fits `useSyncExternalStore` together with `subscribe`. */
  readonly isSignedIn = (): boolean => this.#signedIn;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Why the service ended the session, until the next sign-in; null where the person did, or nobody. */
  get endReason(): EndReason | null {
    return this.#endReason;
  }

  /** What this device is known by: to be sent with the next sign-in, so that strangers who guess don't lock it out. */
  get deviceToken(): string | null {
    return this.#store.getItem(this.#deviceKey);
  }

  /** Takes what a sign-in or a sign-up answered. */
  signIn({ tokens, deviceToken }: SignedIn): void {
    this.keepDevice(deviceToken);
    this.#keep(tokens, null);
  }

  /**
   * Takes the device token of any other answer. A reset or a change of the password and a sign-out everywhere make the
   * account forget its devices, and give the one that did it a new token. Null leaves what is kept as it is.
   */
  keepDevice(deviceToken: string | null): void {
    if (deviceToken !== null) this.#store.setItem(this.#deviceKey, deviceToken);
  }

  /** Forgets the tokens, here and in the other tabs. Telling the service (`signOut`) comes first and is the page's business. */
  signOut(): void {
    this.#end(null);
  }

  /** The access token if it needs no renewal, without waiting for anything. */
  freshBearer(): string | null {
    return this.#access && Date.now() < this.#access.staleAt ? this.#access.token : null;
  }

  /** Takes what `reauthenticate` answered. Mutations of this tab carry it while it is fresh; streams and queries never do. */
  elevate(elevation: Elevation): void {
    const family = this.#access?.family ?? this.#record.read()?.family;
    if (family !== undefined) this.#elevated = elevatedTokenOf(elevation, family, Date.now());
  }

  /** The access token of a recent authentication in this tab, while it is fresh. */
  elevatedBearer(): string | null {
    return this.#elevated && Date.now() < this.#elevated.staleAt ? this.#elevated.token : null;
  }

  /** Forgets the recent authentication, and nothing else: the service does not count it any more. */
  lower(): void {
    this.#elevated = null;
  }

  /** An access token that lives; null where nobody is signed in. Rejects with a `WireError` where it could not be renewed. */
  bearer(): Promise<string | null> {
    if (!this.#signedIn) return Promise.resolve(null);
    const fresh = this.freshBearer();
    return fresh === null ? this.#renewOnce(null) : Promise.resolve(fresh);
  }

  /** The token after `refused`, which the service would not honour. Null where the session is over. */
  renew(refused: string): Promise<string | null> {
    if (!this.#signedIn) return Promise.resolve(null);
    if (refused === this.#elevated?.token) {
      // Refused before its time, so the session may be over: only a renewal tells.
      this.lower();
      return this.#renewOnce(this.freshBearer());
    }
    const fresh = this.freshBearer();
    // Renewed already, since the refused one was sent.
    if (fresh !== null && fresh !== refused) return Promise.resolve(fresh);
    return this.#renewOnce(refused);
  }

  /** Lets go of the channel to the other tabs; for tests and for pages that replace their session. */
  close(): void {
    this.#tabs.close();
  }

  #renewOnce(refused: string | null): Promise<string | null> {
    this.#renewing ??= this.#tabs
      .alone(() => this.#renewAlone(refused))
      .finally(() => {
        this.#renewing = null;
      });
    return this.#renewing;
  }

  async #renewAlone(refused: string | null): Promise<string | null> {
    // While we waited for the lock another tab renewed, and its word has come already ...
    const fresh = this.freshBearer();
    if (fresh !== null && fresh !== refused) return fresh;
    const record = this.#record.read();
    if (!record) {
      this.#drop(null, this.#access?.generation ?? 0);
      return null;
    }
    // ... or has not, or this page was opened after it: the record says that there is a token to ask for.
    if (record.generation > (this.#access?.generation ?? 0) && Date.now() < record.staleAt) {
      const theirs = this.#newest(await this.#tabs.ask(record.generation));
      if (theirs && theirs.token !== refused && Date.now() < theirs.staleAt) {
        this.#hold(theirs);
        return theirs.token;
      }
    }
    const renewal = await this.#renewOverWire(record.refreshToken);
    // Signed out, or in as somebody else, meanwhile: these tokens belong to no one, and must not bring the session back.
    // Whoever is signed in now has a token of a later generation.
    if (this.#record.read()?.generation !== record.generation) return this.#renewAlone(refused);
    if (renewal.type === 'ended') {
      this.#end(renewal.reason);
      return null;
    }
    return this.#keep(renewal.tokens, record.family).token;
  }

  /** A broadcast may have come in while we asked. */
  #newest(answered: AccessToken | null): AccessToken | null {
    const held = this.#access;
    return held && held.generation >= (answered?.generation ?? 0) ? held : answered;
  }

  /** `family` is null for a sign-in, which begins one. */
  #keep(tokens: TokenPair, family: number | null): AccessToken {
    // Clocks only break ties here: generations of two sessions, one after the other, must not be mixed up.
    const generation = Math.max((this.#record.read()?.generation ?? 0) + 1, Date.now());
    const access = accessTokenOf(tokens, { generation, family: family ?? generation }, Date.now());
    const { staleAt } = access;
    this.#record.write({ generation, family: access.family, refreshToken: tokens.refreshToken, staleAt });
    this.#hold(access);
    this.#tabs.tell(access);
    return access;
  }

  #hold(access: AccessToken): void {
    if (access.generation <= this.#endedGeneration) return;
    if (this.#access && this.#access.generation > access.generation) return;
    this.#access = access;
    // A renewal leaves a recent authentication alone; a sign-in, in whichever tab, may be somebody else's.
    if (this.#elevated?.family !== access.family) this.lower();
    this.#endReason = null;
    this.#setSignedIn(true);
  }

  #end(reason: EndReason | null): void {
    const generation = Math.max(this.#record.read()?.generation ?? 0, this.#access?.generation ?? 0);
    this.#record.clear();
    this.#drop(reason, generation);
    this.#tabs.tellSignedOut(generation);
  }

  #drop(reason: EndReason | null, generation: number): void {
    this.#endedGeneration = Math.max(this.#endedGeneration, generation);
    this.#access = null;
    this.lower();
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
    // A browser told to keep nothing throws at the mere mention.
    return memoryStore();
  }
}
