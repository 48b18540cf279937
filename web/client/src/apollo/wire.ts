import type { ApolloClient } from '@apollo/client';
import { CombinedGraphQLErrors, ServerError, ServerParseError } from '@apollo/client/errors';

import { failureOfStatus, faultOf, UNREACHABLE, WireError } from '../failure.ts';
import { isMutation } from '../operation.ts';
import type { Wire } from '../wire.ts';

/**
 * The wire over an Apollo Client. Nothing of it goes through the cache: a verification is ordered by its sequence, which
 * the flow looks after, and a cache would merge an older snapshot over a newer one.
 */
export function apolloWire(client: ApolloClient): Wire {
  return {
    async request(document, variables) {
      try {
        const { data } = isMutation(document)
          ? await client.mutate({ mutation: document, variables, fetchPolicy: 'no-cache' })
          : await client.query({ query: document, variables, fetchPolicy: 'no-cache' });
        if (data === undefined || data === null) throw new WireError(UNREACHABLE);
        return data;
      } catch (thrown) {
        throw wireErrorOf(thrown);
      }
    },

    stream(document, variables, watcher) {
      const subscription = client.subscribe({ query: document, variables, fetchPolicy: 'no-cache' }).subscribe({
        next: ({ data, error }) => {
          if (error) watcher.error(wireErrorOf(error));
          else if (data) watcher.next(data);
        },
        error: (thrown: unknown) => {
          watcher.error(wireErrorOf(thrown));
        },
        complete: () => {
          watcher.complete();
        },
      });
      return () => {
        subscription.unsubscribe();
      };
    },
  };
}

/** Whatever Apollo Client throws, as what the flow knows. */
export function wireErrorOf(thrown: unknown): WireError {
  if (thrown instanceof WireError) return thrown;
  if (CombinedGraphQLErrors.is(thrown)) return new WireError(faultOf(thrown.errors), thrown);
  if (ServerError.is(thrown) || ServerParseError.is(thrown))
    return new WireError(failureOfStatus(thrown.statusCode), thrown);
  return new WireError(UNREACHABLE, thrown);
}
