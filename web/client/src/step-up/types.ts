import type { Failure } from '../failure.ts';
import type { ReauthenticateMutation } from '../generated/graphql.ts';

type Result = ReauthenticateMutation['reauthenticate'];

/** The operation needs a more recent authentication. `methods` lists how this account can authenticate. */
export type ReauthenticationRequired = Extract<Result, { __typename: 'ReauthenticationRequired' }>;

/** Why a reauthentication failed: a refusal of the schema, `Unreachable` or `ServiceFault`. */
export type StepUpProblem = Exclude<Result, { __typename: 'ReauthenticatePayload' }> | Failure;

/**
 * Finds the refusal in the result of an operation: a mutation's data, an Apollo or urql result, or the state of a
 * `VerificationFlow`. Null if there is none. The operation's document has to select `methods`.
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
