import { randomBytes } from 'node:crypto';

import { GraphQLError } from 'graphql';

import { parseEmail, parsePhone, type Contact } from '../contacts.ts';
import { invalid, problem, requireRecentAuthentication, type Context, type Result } from '../context.ts';
import { watch, type Verification } from '../verifications.ts';

interface ContactInput {
  phone?: string;
  email?: string;
}
interface Args<Input> {
  input: Input;
}
interface SendInput {
  purpose: string;
  to: ContactInput;
  channel?: string;
  idempotencyKey?: string;
}
interface ResetInput {
  identity?: { name: string; birthDate: string; phone: string };
  contact?: ContactInput;
}

const sent = (verification: Verification): Result => ({
  __typename: 'SendVerificationCodePayload',
  verification: verification.snapshot(),
});
const notFound = (context: Context): Result => problem(context, 'VerificationNotFound', 'VERIFICATION_NOT_FOUND');
const notPending = (context: Context, verification: Verification): Result =>
  problem(context, 'VerificationNotPending', 'VERIFICATION_NOT_PENDING', { verification: verification.snapshot() });

function parse(to: ContactInput, path: string, context: Context): Contact | Result {
  if (to.phone !== undefined) return parsePhone(to.phone) ?? invalid(context, `${path}.phone`, 'NOT_A_MOBILE_NUMBER');
  return parseEmail(to.email ?? '') ?? invalid(context, `${path}.email`, 'NOT_AN_EMAIL');
}

export const verificationRoots = {
  verification: ({ id }: { id: string }, { state }: Context): Record<string, unknown> | null =>
    state.verifications.get(id)?.snapshot() ?? null,

  sendVerificationCode: ({ input }: Args<SendInput>, context: Context): Result => {
    const { state } = context;
    const contact = parse(input.to, 'to', context);
    if ('__typename' in contact) return contact;
    if (contact.value.endsWith('0002'))
      return problem(context, 'DeliveryRefused', 'DELIVERY_REFUSED', { providerCode: '30006' });
    const refusal = input.purpose.endsWith('_CHANGE') ? requireRecentAuthentication(context) : null;
    if (refusal) return refusal;
    const owner = state.accounts.find(contact.value);
    if (input.purpose === 'PHONE_CHANGE' && context.signedIn?.session.account.phone === contact.value) {
      return problem(context, 'ContactUnchanged', 'CONTACT_UNCHANGED');
    }
    const channel = input.channel ?? (contact.kind === 'phone' ? 'SMS' : 'EMAIL');
    const decoy = input.purpose === 'SIGN_IN' && !owner;
    return sent(
      state.verifications.start(input.purpose, contact, { channel, key: input.idempotencyKey ?? null, decoy }),
    );
  },

  requestPasswordReset: ({ input }: Args<ResetInput>, context: Context): Result => {
    const { state } = context;
    const { identity } = input;
    const contact = parse(identity ? { phone: identity.phone } : (input.contact ?? {}), 'identity', context);
    if ('__typename' in contact) return contact;
    const account = state.accounts.find(contact.value);
    const known =
      account && (!identity || (account.name === identity.name.trim() && account.birthDate === identity.birthDate));
    const channel = contact.kind === 'phone' ? 'SMS' : 'EMAIL';
    return sent(state.verifications.start('PASSWORD_RESET', contact, { channel, decoy: !known }));
  },

  resendVerificationCode: ({ input }: Args<{ verificationId: string; channel?: string }>, context: Context): Result => {
    const { verifications } = context.state;
    const verification = verifications.get(input.verificationId);
    if (!verification) return notFound(context);
    if (verification.status !== 'PENDING') return notPending(context, verification);
    const waitMs = verification.resendAvailableAt.getTime() - Date.now();
    if (waitMs > 0 || verification.sendsRemaining === 0) {
      return problem(context, 'QuotaExceeded', 'QUOTA_EXCEEDED', {
        quota: waitMs > 0 ? 'RESEND_COOLDOWN' : 'CONTACT_DAILY',
        retryAfterSeconds: Math.ceil(Math.max(waitMs, 0) / 1_000),
        retryAt: verification.resendAvailableAt.toISOString(),
      });
    }
    verifications.send(verification, input.channel ?? verification.delivery.channel);
    return sent(verification);
  },

  confirmVerificationCode: ({ input }: Args<{ verificationId: string; code: string }>, context: Context): Result => {
    const verification = context.state.verifications.get(input.verificationId);
    if (!verification) return notFound(context);
    if (verification.status !== 'PENDING') return notPending(context, verification);
    if (verification.decoy || input.code !== verification.code) {
      verification.change(() => {
        verification.attemptsRemaining -= 1;
        if (verification.attemptsRemaining === 0) verification.status = 'LOCKED';
      });
      const { attemptsRemaining } = verification;
      return problem(context, 'CodeMismatch', 'CODE_MISMATCH', { attemptsRemaining });
    }
    verification.change(() => (verification.status = 'VERIFIED'));
    const token = randomBytes(32).toString('hex');
    context.state.proofs.set(token, verification);
    const proof = {
      purpose: verification.purpose,
      token,
      expiresAt: new Date(Date.now() + 600_000).toISOString(),
      attestation: 'a.b.c',
    };
    return { __typename: 'ConfirmVerificationCodePayload', verification: verification.snapshot(), proof };
  },

  cancelVerification: ({ input }: Args<{ verificationId: string }>, context: Context): Result => {
    const verification = context.state.verifications.get(input.verificationId);
    if (!verification) return notFound(context);
    if (verification.status !== 'PENDING') return notPending(context, verification);
    verification.change(() => (verification.status = 'CANCELED'));
    return { __typename: 'CancelVerificationPayload', verification: verification.snapshot() };
  },

  async *verificationStatus({ id }: { id: string }, { state }: Context): AsyncGenerator<Record<string, unknown>> {
    const verification = state.verifications.get(id);
    if (!verification) throw new GraphQLError('Verification not found.', { extensions: { code: 'NOT_FOUND' } });
    for await (const snapshot of watch(verification)) yield { verificationStatus: snapshot };
  },
};
