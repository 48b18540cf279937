import type { TypedDocumentNode } from '@graphql-typed-document-node/core';

import type { RequestError } from './failure.ts';

/** The observer of a stream. `error` and `complete` are final. */
export interface StreamObserver<Data> {
  next(data: Data): void;
  error(error: RequestError): void;
  complete(): void;
}

/**
 * The functions that the verification flow needs of a GraphQL client. `apolloAdapter` and `urqlAdapter` implement it; other
 * clients and tests can too.
 */
export interface ClientAdapter {
  /** Sends a query or a mutation, bypassing any cache. Rejects only with a `RequestError`. */
  request<Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
  ): Promise<Data>;

  /** Starts a subscription. Returns the function that ends it. */
  stream<Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
    observer: StreamObserver<Data>,
  ): () => void;
}
