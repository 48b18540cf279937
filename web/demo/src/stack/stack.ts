import type { Failure, StepUp } from '@countersign/client';
import type { UseVerification } from '@countersign/client/react';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { createContext, use } from 'react';

export type Variables = Record<string, unknown>;

/** The data of a response, or why there is none. Refusals are part of the data. */
export type MutationResult<Data> =
  { readonly data: Data; readonly failure: null } | { readonly data: null; readonly failure: Failure };

export const NO_RESPONSE = { data: null, failure: { __typename: 'Unreachable' } } as const;

export interface QueryState<Data> {
  readonly data: Data | null;
  readonly failure: Failure | null;
  readonly reload: () => void;
}

/**
 * The interface between the pages and a GraphQL client. It exists because the demo supports two clients; an app with one client
 * calls its hooks directly.
 */
export interface Stack {
  /** Runs operations that may need a recent authentication; `StepUpDialog` prompts for it. */
  readonly stepUp: StepUp;
  useVerification(): UseVerification;
  useQuery<Data, Vars extends Variables>(
    document: TypedDocumentNode<Data, Vars>,
    variables: Vars,
    /** Sends no request while paused. */
    options?: { readonly pause?: boolean },
  ): QueryState<Data>;
  useMutation<Data, Vars extends Variables>(
    document: TypedDocumentNode<Data, Vars>,
  ): (variables: Vars) => Promise<MutationResult<Data>>;
}

export const StackContext = createContext<Stack | null>(null);

export function useStack(): Stack {
  const stack = use(StackContext);
  if (!stack) throw new Error('StackContext is missing.');
  return stack;
}
