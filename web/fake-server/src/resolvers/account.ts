import { randomUUID } from 'node:crypto';

import type { Account, Session } from '../accounts.ts';
import { parsePhone } from '../contacts.ts';
import { problem, requireRecentAuthentication, requireSignedIn, type Context, type Result } from '../context.ts';
import type { Verification } from '../verifications.ts';

interface Args<Input> {
  input: Input;
}
interface SignUpInput {
  proofToken?: string;
  username: string;
  password: string;
  name?: string;
  nickname?: string;
  birthDate?: string;
  deviceName?: string;
}

const isWeak = (password: string): boolean => password.length < 8 || !/\d/.test(password);
const weak = (context: Context): Result =>
  problem(context, 'PasswordRejected', 'PASSWORD_REJECTED', { violations: ['TOO_SHORT', 'NO_DIGIT'] });

/** Consumes a proof and returns its verification. */
function redeemProof(token: string | undefined, purpose: string, { state }: Context): Verification | null {
  const verification = token === undefined ? undefined : state.proofs.get(token);
  if (verification?.purpose !== purpose) return null;
  state.proofs.delete(token ?? '');
  return verification;
}
const proofRejected = (context: Context): Result =>
  problem(context, 'ProofRejected', 'PROOF_REJECTED', { reason: 'UNKNOWN' });

function tokens(session: Session, context: Context): Record<string, unknown> {
  const { pair, refreshToken } = context.state.accounts.issue(session);
  if (context.state.settings.refreshCookie) context.setCookie(refreshToken);
  return pair;
}

function user(account: Account, context: Context): Record<string, unknown> {
  const device = (session: Session): Record<string, unknown> => ({
    ...session,
    current: session.id === context.signedIn?.session.id,
    ipAddress: '127.0.0.1',
    expiresAt: new Date(Date.now() + 7 * 86_400_000).toISOString(),
  });
  return {
    ...account,
    __typename: 'User',
    profileImageUrl: null,
    status: 'ACTIVE',
    role: 'USER',
    sessions: () => {
      const own = [...context.state.accounts.sessions.values()].filter((session) => session.account === account);
      return { nodes: own.reverse().map(device), edges: [], pageInfo: { hasNextPage: false, hasPreviousPage: false } };
    },
  };
}

function signedIn(account: Account, deviceName: string | undefined, context: Context): Result {
  const session = context.state.accounts.signIn(account, {
    deviceName: deviceName ?? null,
    userAgent: context.userAgent,
  });
  return { __typename: 'SignInPayload', user: user(account, context), tokens: tokens(session, context) };
}

export const accountRoots = {
  me: (_: unknown, context: Context): Record<string, unknown> | null =>
    context.signedIn ? user(context.signedIn.session.account, context) : null,

  availability: ({ input }: Args<Record<string, string>>, { state }: Context): Result => {
    const [value = ''] = Object.values(input);
    return { __typename: 'Availability', available: !state.accounts.find(parsePhone(value)?.value ?? value) };
  },

  passwordPolicy: (): Record<string, unknown> => ({
    minLength: 8,
    maxLength: 100,
    requiresLowercase: true,
    requiresUppercase: false,
    requiresDigit: true,
    requiresSymbol: false,
    minStrength: 0,
  }),

  signUp: ({ input }: Args<SignUpInput>, context: Context): Result => {
    const { accounts, proofs } = context.state;
    if (isWeak(input.password)) return weak(context);
    if (accounts.find(input.username)) return problem(context, 'UsernameTaken', 'USERNAME_TAKEN');
    const { contact } = proofs.get(input.proofToken ?? '') ?? {};
    if (contact && accounts.find(contact.value)) return problem(context, 'ContactTaken', 'CONTACT_TAKEN');
    const verified = redeemProof(input.proofToken, 'SIGN_UP', context);
    if (!verified) return proofRejected(context);
    const now = new Date().toISOString();
    const isPhone = verified.contact.kind === 'phone';
    const account: Account = {
      id: `acc_${randomUUID()}`,
      username: input.username,
      password: input.password,
      name: input.name ?? null,
      nickname: input.nickname ?? null,
      birthDate: input.birthDate ?? null,
      phone: isPhone ? verified.contact.value : null,
      phoneVerifiedAt: isPhone ? now : null,
      email: isPhone ? null : verified.contact.value,
      emailVerifiedAt: isPhone ? null : now,
      createdAt: now,
    };
    accounts.accounts.push(account);
    return { ...signedIn(account, input.deviceName, context), __typename: 'SignUpPayload', verification: null };
  },

  signIn: (
    { input }: Args<{ identifier: string; password: string; deviceName?: string }>,
    context: Context,
  ): Result => {
    const { accounts } = context.state;
    const account = accounts.find(parsePhone(input.identifier)?.value ?? input.identifier);
    if (account?.password !== input.password) return problem(context, 'CredentialsRejected', 'CREDENTIALS_REJECTED');
    return signedIn(account, input.deviceName, context);
  },

  signInWithProof: ({ input }: Args<{ proofToken: string; deviceName?: string }>, context: Context): Result => {
    const verified = redeemProof(input.proofToken, 'SIGN_IN', context);
    const account = verified && context.state.accounts.find(verified.contact.value);
    return account ? signedIn(account, input.deviceName, context) : proofRejected(context);
  },

  refreshSession: ({ input }: Args<{ refreshToken?: string }>, context: Context): Result => {
    const session = context.state.accounts.findByRefreshToken(input.refreshToken ?? context.cookie ?? '');
    if (!session) return problem(context, 'RefreshRejected', 'REFRESH_REJECTED', { reason: 'UNKNOWN' });
    return { __typename: 'RefreshSessionPayload', tokens: tokens(session, context) };
  },

  signOut: (_: unknown, context: Context): Record<string, unknown> => {
    context.setCookie(null);
    return { sessionsEnded: context.state.accounts.endSessions([requireSignedIn(context).session.id]) };
  },

  signOutEverywhere: (_: unknown, context: Context): Record<string, unknown> => {
    const { account } = requireSignedIn(context).session;
    context.setCookie(null);
    const own = [...context.state.accounts.sessions.values()].filter((session) => session.account === account);
    return { sessionsEnded: context.state.accounts.endSessions(own.map(({ id }) => id)) };
  },

  revokeSession: ({ input }: Args<{ sessionId: string }>, context: Context): Result => {
    requireSignedIn(context);
    const session = context.state.accounts.sessions.get(input.sessionId);
    if (!session) return problem(context, 'SessionNotFound', 'SESSION_NOT_FOUND');
    context.state.accounts.endSessions([session.id]);
    const expiresAt = new Date().toISOString();
    return { __typename: 'RevokeSessionPayload', session: { ...session, current: false, expiresAt } };
  },

  resetPassword: ({ input }: Args<{ proofToken: string; newPassword: string }>, context: Context): Result => {
    if (isWeak(input.newPassword)) return weak(context);
    const verified = redeemProof(input.proofToken, 'PASSWORD_RESET', context);
    const account = verified && context.state.accounts.find(verified.contact.value);
    if (!account) return proofRejected(context);
    account.password = input.newPassword;
    const own = [...context.state.accounts.sessions.values()].filter((session) => session.account === account);
    const sessionsEnded = context.state.accounts.endSessions(own.map(({ id }) => id));
    return { __typename: 'ResetPasswordPayload', sessionsEnded, notificationQueued: true };
  },

  reauthenticate: ({ input }: Args<{ password?: string; proofToken?: string }>, context: Context): Result => {
    const { session } = requireSignedIn(context);
    const { password, phone, email } = session.account;
    if (input.password !== undefined) {
      if (input.password !== password) return problem(context, 'CredentialsRejected', 'CREDENTIALS_REJECTED');
    } else {
      const verified = redeemProof(input.proofToken, 'STEP_UP', context);
      if (!verified || ![phone, email].includes(verified.contact.value)) return proofRejected(context);
    }
    return { __typename: 'ReauthenticatePayload', ...context.state.accounts.reauthenticate(session) };
  },

  changePhone: ({ input }: Args<{ proofToken: string }>, context: Context): Result => {
    const { account } = requireSignedIn(context).session;
    const refusal = requireRecentAuthentication(context);
    if (refusal) return refusal;
    const verified = redeemProof(input.proofToken, 'PHONE_CHANGE', context);
    if (!verified) return proofRejected(context);
    if (context.state.accounts.find(verified.contact.value)) return problem(context, 'ContactTaken', 'CONTACT_TAKEN');
    account.phone = verified.contact.value;
    account.phoneVerifiedAt = new Date().toISOString();
    return { __typename: 'ChangeContactPayload', user: user(account, context) };
  },

  deleteAccount: ({ input }: Args<{ password?: string | null }>, context: Context): Result => {
    const { account } = requireSignedIn(context).session;
    const { accounts } = context.state;
    if (input.password != null && input.password !== account.password) {
      return problem(context, 'CredentialsRejected', 'CREDENTIALS_REJECTED');
    }
    const refusal = input.password == null ? requireRecentAuthentication(context) : null;
    if (refusal) return refusal;
    accounts.accounts.splice(accounts.accounts.indexOf(account), 1);
    accounts.endSessions(
      [...accounts.sessions.values()].filter((session) => session.account === account).map(({ id }) => id),
    );
    return { __typename: 'DeleteAccountPayload', id: account.id };
  },
};
