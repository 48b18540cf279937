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
}

/** A token is renewed this long before its end, so that it does not expire on its way; a short-lived one at nine tenths. */
const RENEW_AHEAD_MS = 30_000;

export function accessTokenOf(tokens: TokenPair, generation: number, now: number): AccessToken {
  const livesMs = tokens.expiresIn * 1_000;
  return { token: tokens.accessToken, staleAt: now + livesMs - Math.min(RENEW_AHEAD_MS, livesMs / 10), generation };
}
