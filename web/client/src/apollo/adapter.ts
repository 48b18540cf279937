import type { ApolloClient } from '@apollo/client';
import { CombinedGraphQLErrors, ServerError, ServerParseError } from '@apollo/client/errors';

import type { ClientAdapter } from '../adapter.ts';
import { failureOfStatus, faultOf, UNREACHABLE, RequestError } from '../failure.ts';
import { isMutation } from '../operation.ts';

/**
 * Adapts an Apollo Client. It bypasses the cache: the flow orders snapshots by `sequence`, and a cache could merge an older
 * snapshot over a newer one.
 */
export function apolloAdapter(client: ApolloClient): ClientAdapter {
  return {
    async request(document, variables) {
      try {
        const { data } = isMutation(document)
          ? await client.mutate({ mutation: document, variables, fetchPolicy: 'no-cache' })
          : await client.query({ query: document, variables, fetchPolicy: 'no-cache' });
        if (data === undefined || data === null) throw new RequestError(UNREACHABLE);
        return data;
      } catch (thrown) {
        throw toRequestError(thrown);
      }
    },

    stream(document, variables, observer) {
      const subscription = client.subscribe({ query: document, variables, fetchPolicy: 'no-cache' }).subscribe({
        next: ({ data, error }) => {
          if (error) observer.error(toRequestError(error));
          else if (data) observer.next(data);
        },
        error: (thrown: unknown) => {
          observer.error(toRequestError(thrown));
        },
        complete: () => {
          observer.complete();
        },
      });
      return () => {
        subscription.unsubscribe();
      };
    },
  };
}

/** Converts an error thrown by Apollo Client to a `RequestError`. */
export function toRequestError(thrown: unknown): RequestError {
  if (thrown instanceof RequestError) return thrown;
  if (CombinedGraphQLErrors.is(thrown)) return new RequestError(faultOf(thrown.errors), thrown);
  if (ServerError.is(thrown) || ServerParseError.is(thrown))
    return new RequestError(failureOfStatus(thrown.statusCode), thrown);
  return new RequestError(UNREACHABLE, thrown);
}
