import type { TokenPairPartsFragment } from '../generated/graphql.ts';

/** The tokens that a sign-in or a refresh returns. */
export type TokenPair = TokenPairPartsFragment;

/** An access token. Tabs hold it in memory only. */
export interface AccessToken {
  readonly token: string;
  /** The time from which it is renewed before use: Unix time in milliseconds, by the device's clock. */
  readonly staleAt: number;
  /** Increases with each renewal in any tab. */
  readonly generation: number;
  /** The generation of the sign-in. It stays the same for the whole session. */
  readonly family: number;
}

/**
 * The result of `reauthenticate`: an access token with the time of this authentication. It has no refresh token, and the
 * session's own tokens do not change.
 */
export interface StepUpToken {
  readonly accessToken: string;
  readonly expiresIn: number;
  readonly freshUntil: string;
}

/** A step-up token in the memory of the tab that requested it. It is not shared with other tabs. */
export interface HeldStepUpToken {
  readonly token: string;
  readonly staleAt: number;
  readonly family: number;
}

/** Tokens are renewed this long before they expire, or at 90 % of a shorter lifetime. */
const RENEW_AHEAD_MS = 30_000;

export function accessTokenOf(
  tokens: TokenPair,
  { generation, family }: Pick<AccessToken, 'generation' | 'family'>,
  now: number,
): AccessToken {
  return { token: tokens.accessToken, staleAt: staleAt(now, tokens.expiresIn), generation, family };
}

/**
 * The token is used until it is about to expire or until `freshUntil`. `freshUntil` is by the service's clock: if it has
 * already passed on this device, the device's clock is wrong, and only `expiresIn` counts.
 */
export function holdStepUpToken(
  { accessToken, expiresIn, freshUntil }: StepUpToken,
  family: number,
  now: number,
): HeldStepUpToken {
  const freshMs = Date.parse(freshUntil) - now;
  const expires = staleAt(now, expiresIn);
  return { token: accessToken, staleAt: freshMs > 0 ? Math.min(expires, now + freshMs) : expires, family };
}

function staleAt(now: number, expiresIn: number): number {
  const lifetimeMs = expiresIn * 1_000;
  return now + lifetimeMs - Math.min(RENEW_AHEAD_MS, lifetimeMs / 10);
}
