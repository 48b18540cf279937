import type { TypedDocumentNode } from '@graphql-typed-document-node/core';

import type { WireError } from './failure.ts';

/** Who listens to a stream. After `error` or `complete` nothing more comes. */
export interface Watcher<Data> {
  next(data: Data): void;
  error(error: WireError): void;
  complete(): void;
}

/**
 * All that the verification flow asks of a GraphQL client. Apollo Client and urql each fill it in a few lines, and a test
 * or another client can too.
 */
export interface Wire {
  /** One answer, fresh from the service and never out of a cache. Rejects with a `WireError` alone. */
  request<Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
  ): Promise<Data>;

  /** A subscription. Calling what it returns ends it. */
  stream<Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
    watcher: Watcher<Data>,
  ): () => void;
}
