import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit';
import { CloseCode, createClient } from 'graphql-ws';

const ENDPOINT = new URL('/graphql', location.href).href;

/** What GraphiQL calls its own question. */
const INTROSPECTION = 'IntrospectionQuery';

/**
 * Everything goes out with the headers of its tab; a subscription has them in its socket's init payload, so that
 * `authorization` works there too. The schema is anybody's: a token that a tab remembers and that has expired must not
 * keep it away.
 */
export const fetcher: Fetcher = (params, options) => {
  const named = (options?.headers ?? {}) as Record<string, unknown>;
  const headers = params.operationName === INTROSPECTION ? {} : named;
  // It connects when it is first used, which only a subscription does.
  const wsClient = createClient({
    url: ENDPOINT.replace(/^http/, 'ws'),
    connectionParams: headers,
    // A token that is refused once is refused again; whoever watches should be told.
    shouldRetry: (cause) => (cause as { readonly code?: number }).code !== CloseCode.Forbidden,
  });
  return createGraphiQLFetcher({ url: ENDPOINT, wsClient })(params, { ...options, headers });
};
