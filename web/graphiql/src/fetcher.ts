import { createGraphiQLFetcher, isAsyncIterable, isObservable, type Fetcher } from '@graphiql/toolkit';
import { CloseCode, createClient } from 'graphql-ws';

import { found } from './carry/carrier.ts';
import { valuesOf } from './carry/values.ts';

const ENDPOINT = new URL('/graphql', location.href).href;

/** What GraphiQL calls its own question. */
const INTROSPECTION = 'IntrospectionQuery';

/**
 * Everything goes out with the headers of its tab; a subscription has them in its socket's init payload, so that
 * `authorization` works there too. The schema is anybody's: a token that a tab remembers and that has expired must not
 * keep it away.
 */
export const fetcher: Fetcher = async (params, options) => {
  const named = (options?.headers ?? {}) as Record<string, unknown>;
  const headers = params.operationName === INTROSPECTION ? {} : named;
  // It connects when it is first used, which only a subscription does.
  const wsClient = createClient({
    url: ENDPOINT.replace(/^http/, 'ws'),
    connectionParams: headers,
    // A token that is refused once is refused again; whoever watches should be told.
    shouldRetry: (cause) => (cause as { readonly code?: number }).code !== CloseCode.Forbidden,
  });
  const answer = await createGraphiQLFetcher({ url: ENDPOINT, wsClient })(params, { ...options, headers });
  if (isAsyncIterable(answer)) return searched(answer);
  if (!isObservable(answer)) found(valuesOf(answer));
  return answer;
};

/** The same results, searched for values as they pass. Not a generator: that could not be ended while it waits. */
function searched<Result>(results: AsyncIterable<Result>): AsyncIterableIterator<Result> {
  const inner = results[Symbol.asyncIterator]();
  return {
    async next() {
      const result = await inner.next();
      if (result.done !== true) found(valuesOf(result.value));
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
