import type { TokenPairPartsFragment } from '../generated/graphql.ts';

/** What a sign-in answers. */
export type TokenPair = TokenPairPartsFragment;

/** An access token as a tab holds it: in memory alone. */
export interface AccessToken {
  readonly token: string;
  /** From when on it is renewed before use, by this device's clock, in milliseconds since 1970. */
  readonly staleAt: number;
  /** Every renewal, in whichever tab, has a higher one. */
  readonly generation: number;
  /** The generation of the sign-in that it goes back to: the same for as long as the session lives. */
  readonly family: number;
}

/**
 * What `reauthenticate` answers: an access token that carries the time of this authentication. No refresh token comes with
 * it, and the session's own stays as it is.
 */
export interface Elevation {
  readonly accessToken: string;
  readonly expiresIn: number;
  readonly freshUntil: string;
}

/** An elevation as the tab that asked for it holds it: in memory alone, and shown to no other tab. */
export interface ElevatedToken {
  readonly token: string;
  readonly staleAt: number;
  readonly family: number;
}

/** A token is renewed this long before its end, so that it does not expire on its way; a short-lived one at nine tenths. */
const RENEW_AHEAD_MS = 30_000;

export function accessTokenOf(
  tokens: TokenPair,
  { generation, family }: Pick<AccessToken, 'generation' | 'family'>,
  now: number,
): AccessToken {
  return { token: tokens.accessToken, staleAt: staleAt(now, tokens.expiresIn), generation, family };
}

/**
 * Used until it is about to expire, or until it counts as fresh no longer. That instant is of the service's clock: where
 * it has passed by this device's, the device is wrong, for the answer came this moment.
 */
export function elevatedTokenOf(
  { accessToken, expiresIn, freshUntil }: Elevation,
  family: number,
  now: number,
): ElevatedToken {
  const freshMs = Date.parse(freshUntil) - now;
  const expires = staleAt(now, expiresIn);
  return { token: accessToken, staleAt: freshMs > 0 ? Math.min(expires, now + freshMs) : expires, family };
}

function staleAt(now: number, expiresIn: number): number {
  const livesMs = expiresIn * 1_000;
  return now + livesMs - Math.min(RENEW_AHEAD_MS, livesMs / 10);
}
