import type { Failure } from '../failure.ts';
import type {
  CancelVerificationMutation,
  ConfirmVerificationCodeMutation,
  SendVerificationCodeMutation,
  VerificationPartsFragment,
} from '../generated/graphql.ts';

/** A verification as the service last told it. */
export type Verification = VerificationPartsFragment;

type SendResult = SendVerificationCodeMutation['sendVerificationCode'];
type ConfirmResult = ConfirmVerificationCodeMutation['confirmVerificationCode'];
type CancelResult = CancelVerificationMutation['cancelVerification'];
type ConfirmPayload = Extract<ConfirmResult, { __typename: 'ConfirmVerificationCodePayload' }>;

/** What a confirmed code was exchanged for. It is spent once, within its lifetime; until then it is a secret. */
export type Proof = ConfirmPayload['proof'];

/** Why nothing was sent. */
export type SendRefusal = Exclude<SendResult, { __typename: 'SendVerificationCodePayload' }>;

/** Why a code was not taken. */
export type ConfirmRefusal = Exclude<ConfirmResult, { __typename: 'ConfirmVerificationCodePayload' }>;

/** Why nothing was canceled. */
export type CancelRefusal = Exclude<CancelResult, { __typename: 'CancelVerificationPayload' }>;

/**
 * Everything that can stand in the way of a verification, told apart by `__typename`: the refusals of the schema as they
 * are, `Unreachable` and `ServiceFault`. A `switch` over it is checked for completeness by the compiler.
 */
export type VerificationProblem = SendRefusal | ConfirmRefusal | CancelRefusal | Failure;
