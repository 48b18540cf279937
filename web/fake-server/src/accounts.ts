import { randomBytes, randomUUID } from 'node:crypto';

import type { Settings } from './settings.ts';

export interface Account {
  readonly id: string;
  readonly username: string;
  password: string;
  name: string | null;
  nickname: string | null;
  birthDate: string | null;
  phone: string | null;
  phoneVerifiedAt: string | null;
  email: string | null;
  emailVerifiedAt: string | null;
  readonly createdAt: string;
}

export interface Session {
  readonly id: string;
  readonly account: Account;
  readonly deviceName: string | null;
  readonly userAgent: string | null;
  readonly createdAt: string;
  lastUsedAt: string;
  refreshToken: string;
}

export interface SignedIn {
  readonly session: Session;
  readonly expiresAt: number;
  /** Until when the authentication of this token counts as recent: Unix time in milliseconds. */
  readonly freshUntil: number;
}

/** Accounts, sessions and tokens. */
export class Accounts {
  readonly accounts: Account[] = [];
  readonly sessions = new Map<string, Session>();
  readonly #access = new Map<string, SignedIn>();
  readonly #settings: Settings;
  /** Called when tokens are revoked, so that sockets can be closed. */
  onRevoked: () => void = () => undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  find(identifier: string): Account | undefined {
    const same = (value: string | null): boolean => value?.toLowerCase() === identifier.trim().toLowerCase();
    return this.accounts.find((account) => same(account.username) || same(account.email) || same(account.phone));
  }

  signIn(account: Account, device: { deviceName?: string | null; userAgent?: string | null }): Session {
    const now = new Date().toISOString();
    const session: Session = {
      id: `ses_${randomUUID()}`,
      account,
      deviceName: device.deviceName ?? null,
      userAgent: device.userAgent ?? null,
      createdAt: now,
      lastUsedAt: now,
      refreshToken: '',
    };
    this.sessions.set(session.id, session);
    return session;
  }

  /** Issues new tokens for a session and invalidates its previous refresh token. */
  issue(session: Session): { pair: Record<string, unknown>; refreshToken: string } {
    const accessToken = randomBytes(24).toString('base64url');
    session.refreshToken = randomBytes(24).toString('base64url');
    session.lastUsedAt = new Date().toISOString();
    this.#access.set(accessToken, {
      session,
      expiresAt: Date.now() + this.#settings.accessTokenSeconds * 1_000,
      // Renewed tokens keep the time of the sign-in.
      freshUntil: Date.parse(session.createdAt) + this.#settings.reauthMaxAgeSeconds * 1_000,
    });
    const pair = {
      accessToken,
      expiresIn: this.#settings.accessTokenSeconds,
      refreshToken: this.#settings.refreshCookie ? null : session.refreshToken,
      refreshExpiresAt: new Date(Date.now() + 7 * 86_400_000).toISOString(),
    };
    return { pair, refreshToken: session.refreshToken };
  }

  /** Issues an access token with a fresh authentication time. */
  reauthenticate(session: Session): { accessToken: string; expiresIn: number; freshUntil: string } {
    const accessToken = randomBytes(24).toString('base64url');
    const expiresIn = this.#settings.accessTokenSeconds;
    const freshUntil = Date.now() + (this.#settings.reauthMaxAgeSeconds || 60) * 1_000;
    this.#access.set(accessToken, { session, expiresAt: Date.now() + expiresIn * 1_000, freshUntil });
    return { accessToken, expiresIn, freshUntil: new Date(freshUntil).toISOString() };
  }

  findByRefreshToken(token: string): Session | undefined {
    return [...this.sessions.values()].find((session) => session.refreshToken === token);
  }

  authenticate(token: string): SignedIn | null {
    const signedIn = this.#access.get(token);
    if (!signedIn || signedIn.expiresAt <= Date.now() || !this.sessions.has(signedIn.session.id)) return null;
    return signedIn;
  }

  endSessions(ids: readonly string[]): number {
    const ended = ids.filter((id) => this.sessions.delete(id)).length;
    this.onRevoked();
    return ended;
  }

  /** Revokes all access tokens, like a key rotation. The sessions stay valid. */
  revokeAccessTokens(): void {
    this.#access.clear();
    this.onRevoked();
  }
}
