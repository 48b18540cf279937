import type { Failure, StepUp } from '@countersign/client';
import type { UseVerification } from '@countersign/client/react';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { createContext, use } from 'react';

export type Variables = Record<string, unknown>;

/** An answer, or why there is none. Refusals are answers: they stand in the data. */
export type Answer<Data> =
  { readonly data: Data; readonly failure: null } | { readonly data: null; readonly failure: Failure };

export const UNANSWERED = { data: null, failure: { __typename: 'Unreachable' } } as const;

export interface QueryState<Data> {
  readonly data: Data | null;
  readonly failure: Failure | null;
  readonly reload: () => void;
}

/**
 * What the pages ask of a GraphQL client. It exists because this demo shows two of them; an app that has chosen keeps one
 * of the two files beside this one, and calls its hooks directly.
 */
export interface Stack {
  /** Runs operations that may need a recent authentication; `StepUpDialog` asks for it. */
  readonly stepUp: StepUp;
  useVerification(): UseVerification;
  useQuery<Data, Vars extends Variables>(
    document: TypedDocumentNode<Data, Vars>,
    variables: Vars,
    /** Asks nothing while paused. */
    options?: { readonly pause?: boolean },
  ): QueryState<Data>;
  useMutation<Data, Vars extends Variables>(
    document: TypedDocumentNode<Data, Vars>,
  ): (variables: Vars) => Promise<Answer<Data>>;
}

export const StackContext = createContext<Stack | null>(null);

export function useStack(): Stack {
  const stack = use(StackContext);
  if (!stack) throw new Error('There is no stack above.');
  return stack;
}
