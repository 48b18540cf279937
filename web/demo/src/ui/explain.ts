import type { Failure, InvalidInputPartsFragment, ProblemCode } from '@countersign/client';

import type { Texts } from '../texts/en.ts';

/** The fields that all refusals of the schema have. */
export interface Refusal {
  readonly __typename: string;
  readonly code: ProblemCode;
  readonly message: string;
}

export type OperationError = Refusal | Failure;

/** The message to show. Refusals contain a localised message. */
export function explain(error: OperationError, texts: Texts): string {
  if ('message' in error) return error.message;
  if (error.__typename === 'Unreachable') return texts.problems.Unreachable;
  switch (error.code) {
    case 'RATE_LIMITED':
    case 'UNAVAILABLE':
    case 'UNAUTHENTICATED':
      return texts.problems[error.code];
    default:
      return texts.problems.other(error.requestId);
  }
}

/** The messages of `InvalidInput` by field name (the last segment of the input path). */
export function fieldErrors(error: OperationError | null): ReadonlyMap<string, string> {
  const fields = error && 'fields' in error ? (error.fields as InvalidInputPartsFragment['fields']) : [];
  return new Map(fields.map(({ path, message }) => [path.split('.').at(-1) ?? path, message]));
}
