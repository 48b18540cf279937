import { createGraphiQLFetcher, isAsyncIterable, isObservable, type Fetcher } from '@graphiql/toolkit';
import { CloseCode, createClient } from 'graphql-ws';

import { publishValues } from './autofill/autofill-store.ts';
import { valuesOf } from './autofill/values.ts';

const ENDPOINT = new URL('/graphql', location.href).href;

/** The operation name of GraphiQL's introspection query. */
const INTROSPECTION = 'IntrospectionQuery';

/**
 * Sends the headers of the tab with each request, and in the payload of `connection_init` for subscriptions, so that
 * `authorization` works for both. Introspection is sent without headers, so that an expired token in a stored tab does not
 * prevent loading the schema.
 */
export const fetcher: Fetcher = async (params, options) => {
  const tabHeaders = (options?.headers ?? {}) as Record<string, unknown>;
  const headers = params.operationName === INTROSPECTION ? {} : tabHeaders;
  // Connects on first use, which is a subscription.
  const wsClient = createClient({
    url: ENDPOINT.replace(/^http/, 'ws'),
    connectionParams: headers,
    // A rejected token stays invalid, so show the error instead of retrying.
    shouldRetry: (cause) => (cause as { readonly code?: number }).code !== CloseCode.Forbidden,
  });
  const response = await createGraphiQLFetcher({ url: ENDPOINT, wsClient })(params, { ...options, headers });
  if (isAsyncIterable(response)) return withPublishedValues(response);
  if (!isObservable(response)) publishValues(valuesOf(response));
  return response;
};

/** Publishes the values of each result. Not a generator, because its `return` would wait for a pending `next`. */
function withPublishedValues<Result>(results: AsyncIterable<Result>): AsyncIterableIterator<Result> {
  const inner = results[Symbol.asyncIterator]();
  return {
    async next() {
      const result = await inner.next();
      if (result.done !== true) publishValues(valuesOf(result.value));
      return result;
    },
    async return() {
      await inner.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
