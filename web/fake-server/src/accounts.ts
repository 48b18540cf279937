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
  /** Until when the authentication behind this token counts as recent, in milliseconds since 1970. */
  readonly freshUntil: number;
}

/** People, their devices and their tokens. */
export class Accounts {
  readonly accounts: Account[] = [];
  readonly sessions = new Map<string, Session>();
  readonly #access = new Map<string, SignedIn>();
  readonly #settings: Settings;
  /** Told when tokens are revoked, so that sockets can be judged again. */
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

  /** New tokens for a session. The refresh token before them is spent. */
  issue(session: Session): { pair: Record<string, unknown>; refreshToken: string } {
    const accessToken = randomBytes(24).toString('base64url');
    session.refreshToken = randomBytes(24).toString('base64url');
    session.lastUsedAt = new Date().toISOString();
    this.#access.set(accessToken, {
      session,
      expiresAt: Date.now() + this.#settings.accessTokenSeconds * 1_000,
      // As old as the sign-in, however often it is renewed.
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

  /** An access token that alone carries a new authentication. */
  elevate(session: Session): { accessToken: string; expiresIn: number; freshUntil: string } {
    const accessToken = randomBytes(24).toString('base64url');
    const expiresIn = this.#settings.accessTokenSeconds;
    const freshUntil = Date.now() + (this.#settings.reauthMaxAgeSeconds || 60) * 1_000;
    this.#access.set(accessToken, { session, expiresAt: Date.now() + expiresIn * 1_000, freshUntil });
    return { accessToken, expiresIn, freshUntil: new Date(freshUntil).toISOString() };
  }

  ofRefreshToken(token: string): Session | undefined {
    return [...this.sessions.values()].find((session) => session.refreshToken === token);
  }

  judge(token: string): SignedIn | null {
    const signedIn = this.#access.get(token);
    if (!signedIn || signedIn.expiresAt <= Date.now() || !this.sessions.has(signedIn.session.id)) return null;
    return signedIn;
  }

  end(ids: readonly string[]): number {
    const ended = ids.filter((id) => this.sessions.delete(id)).length;
    this.onRevoked();
    return ended;
  }

  /** Makes every access token worthless, as a rotated key would. The sessions live on. */
  forgetAccessTokens(): void {
    this.#access.clear();
    this.onRevoked();
  }
}
