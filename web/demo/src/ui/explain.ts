import type { Failure, InvalidInputPartsFragment, ProblemCode } from '@countersign/client';

import type { Words } from '../words/en.ts';

/** A refusal of the schema, as far as every one of them goes. */
export interface Refusal {
  readonly __typename: string;
  readonly code: ProblemCode;
  readonly message: string;
}

export type Trouble = Refusal | Failure;

/** What to tell the person. A refusal brings its own words, in the language that was asked for. */
export function explain(trouble: Trouble, words: Words): string {
  if ('message' in trouble) return trouble.message;
  if (trouble.__typename === 'Unreachable') return words.problems.Unreachable;
  switch (trouble.code) {
    case 'RATE_LIMITED':
    case 'UNAVAILABLE':
    case 'UNAUTHENTICATED':
      return words.problems[trouble.code];
    default:
      return words.problems.other(trouble.requestId);
  }
}

/** What a refusal says about one field of the form, by the last part of the input's path. */
export function fieldErrors(trouble: Trouble | null): ReadonlyMap<string, string> {
  const fields = trouble && 'fields' in trouble ? (trouble.fields as InvalidInputPartsFragment['fields']) : [];
  return new Map(fields.map(({ path, message }) => [path.split('.').at(-1) ?? path, message]));
}
