import type { Failure } from '../failure.ts';
import type { ReauthenticateMutation } from '../generated/graphql.ts';

type Result = ReauthenticateMutation['reauthenticate'];

/** The operation needs a more recent authentication, and these are the methods by which this account can give one. */
export type ReauthenticationRequired = Extract<Result, { __typename: 'ReauthenticationRequired' }>;

/** Why an authentication did not succeed: the refusals of the schema as they are, `Unreachable` and `ServiceFault`. */
export type StepUpProblem = Exclude<Result, { __typename: 'ReauthenticatePayload' }> | Failure;

/**
 * The refusal in whatever an operation resolved with: a mutation's data, an Apollo or urql result around it, or the state
 * of a `VerificationFlow`. Null where there is none. The operation's document has to select `methods`.
 */
export function reauthenticationRequiredIn(result: unknown): ReauthenticationRequired | null {
  const outer = fieldsOf(result);
  const candidates = [result, ...Object.values(outer), ...Object.values(fieldsOf(outer['data']))];
  return candidates.find(isReauthenticationRequired) ?? null;
}

function isReauthenticationRequired(value: unknown): value is ReauthenticationRequired {
  const { __typename, methods } = fieldsOf(value);
  return __typename === 'ReauthenticationRequired' && Array.isArray(methods);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
