import type { Failure } from '../failure.ts';
import type {
  CancelVerificationMutation,
  ConfirmVerificationCodeMutation,
  SendVerificationCodeMutation,
  VerificationPartsFragment,
} from '../generated/graphql.ts';

/** A snapshot of a verification. */
export type Verification = VerificationPartsFragment;

type SendResult = SendVerificationCodeMutation['sendVerificationCode'];
type ConfirmResult = ConfirmVerificationCodeMutation['confirmVerificationCode'];
type CancelResult = CancelVerificationMutation['cancelVerification'];
type ConfirmPayload = Extract<ConfirmResult, { __typename: 'ConfirmVerificationCodePayload' }>;

/** The proof of a confirmed verification. It can be used once before it expires. Keep it secret. */
export type Proof = ConfirmPayload['proof'];

/** The refusals of `sendVerificationCode`. */
export type SendRefusal = Exclude<SendResult, { __typename: 'SendVerificationCodePayload' }>;

/** The refusals of `confirmVerificationCode`. */
export type ConfirmRefusal = Exclude<ConfirmResult, { __typename: 'ConfirmVerificationCodePayload' }>;

/** The refusals of `cancelVerification`. */
export type CancelRefusal = Exclude<CancelResult, { __typename: 'CancelVerificationPayload' }>;

/**
 * Why an action failed, distinguished by `__typename`: the refusals of the schema, `Unreachable` and `ServiceFault`. The
 * compiler checks a `switch` over it for completeness.
 */
export type VerificationProblem = SendRefusal | ConfirmRefusal | CancelRefusal | Failure;
