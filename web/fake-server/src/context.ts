import { GraphQLError } from 'graphql';

import type { Accounts, SignedIn } from './accounts.ts';
import { localize, type MessageCode } from './messages.ts';
import type { Settings } from './settings.ts';
import type { Verification, Verifications } from './verifications.ts';

/** The state of the fake server. */
export interface ServerState {
  readonly settings: Settings;
  readonly verifications: Verifications;
  readonly accounts: Accounts;
  /** Unused proofs by token. */
  readonly proofs: Map<string, Verification>;
}

/** The context of a request. */
export interface Context {
  readonly state: ServerState;
  readonly language: string;
  readonly signedIn: SignedIn | null;
  readonly userAgent: string | null;
  /** The refresh token from the cookie. */
  readonly cookie: string | null;
  setCookie(refreshToken: string | null): void;
}

export type Result = Record<string, unknown> & { readonly __typename: string };

export function problem(
  context: Context,
  typename: string,
  code: MessageCode,
  details: Record<string, unknown> = {},
): Result {
  return { __typename: typename, code, message: localize(code, context.language), ...details };
}

export function invalid(context: Context, path: string, reason: 'NOT_A_MOBILE_NUMBER' | 'NOT_AN_EMAIL'): Result {
  const fields = [{ path, reason: reason.toLowerCase(), message: localize(reason, context.language) }];
  return problem(context, 'InvalidInput', 'INVALID_INPUT', { fields });
}

export function unauthenticated(): GraphQLError {
  return new GraphQLError('Authentication required.', { extensions: { code: 'UNAUTHENTICATED' } });
}

export function requireSignedIn(context: Context): SignedIn {
  if (!context.signedIn) throw unauthenticated();
  return context.signedIn;
}

/** Returns a refusal if the authentication is not recent. */
export function requireRecentAuthentication(context: Context): Result | null {
  const { session, freshUntil } = requireSignedIn(context);
  if (Date.now() < freshUntil) return null;
  const { phone, email } = session.account;
  const methods = ['PASSWORD', phone !== null && 'PHONE_CODE', email !== null && 'EMAIL_CODE'].filter(Boolean);
  return problem(context, 'ReauthenticationRequired', 'REAUTHENTICATION_REQUIRED', { methods });
}
