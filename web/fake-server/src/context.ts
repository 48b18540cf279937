import { GraphQLError } from 'graphql';

import type { Accounts, SignedIn } from './accounts.ts';
import type { Settings } from './settings.ts';
import type { Verification, Verifications } from './verifications.ts';
import { say, type Said } from './words.ts';

/** All that the stand-in remembers. */
export interface House {
  readonly settings: Settings;
  readonly verifications: Verifications;
  readonly accounts: Accounts;
  /** Unspent proofs, by token. */
  readonly proofs: Map<string, Verification>;
}

/** One request. */
export interface Context {
  readonly house: House;
  readonly language: string;
  readonly signedIn: SignedIn | null;
  readonly userAgent: string | null;
  /** The refresh token of the cookie, and the way to set it. */
  readonly cookie: string | null;
  setCookie(refreshToken: string | null): void;
}

export type Result = Record<string, unknown> & { readonly __typename: string };

export function problem(context: Context, typename: string, code: Said, facts: Record<string, unknown> = {}): Result {
  return { __typename: typename, code, message: say(code, context.language), ...facts };
}

export function invalid(context: Context, path: string, what: 'NOT_A_MOBILE_NUMBER' | 'NOT_AN_EMAIL'): Result {
  const fields = [{ path, reason: what.toLowerCase(), message: say(what, context.language) }];
  return problem(context, 'InvalidInput', 'INVALID_INPUT', { fields });
}

export function unauthenticated(): GraphQLError {
  return new GraphQLError('Sign in first.', { extensions: { code: 'UNAUTHENTICATED' } });
}

export function whoever(context: Context): SignedIn {
  if (!context.signedIn) throw unauthenticated();
  return context.signedIn;
}

/** The refusal of an act that decides who owns the account, where the authentication is not recent. */
export function staleAuthentication(context: Context): Result | null {
  const { session, freshUntil } = whoever(context);
  if (Date.now() < freshUntil) return null;
  const { phone, email } = session.account;
  const methods = ['PASSWORD', phone !== null && 'PHONE_CODE', email !== null && 'EMAIL_CODE'].filter(Boolean);
  return problem(context, 'ReauthenticationRequired', 'REAUTHENTICATION_REQUIRED', { methods });
}
