import { cacheExchange, fetchExchange, subscriptionExchange, type Exchange, type Operation } from '@urql/core';
import { authExchange } from '@urql/exchange-auth';

import { CSRF_HEADER } from '../csrf-header.ts';
import { isUnauthenticated } from '../failure.ts';
import type { Session } from '../session/session.ts';
import type { StreamTransport } from '../transport/stream.ts';

/** Adds the access token to each request. If the service rejects it, renews it once for all tabs and repeats the request. */
export function sessionExchange(session: Session): Exchange {
  const bearerFor = ({ kind }: Operation): string | null =>
    (kind === 'mutation' ? session.stepUpToken() : null) ?? session.freshAccessToken();
  return authExchange((utils) => {
    let rejected: string | null = null;
    return Promise.resolve({
      addAuthToOperation: (operation) => {
        const bearer = bearerFor(operation);
        return utils.appendHeaders(operation, {
          ...CSRF_HEADER,
          ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
        });
      },
      // The transport handles the tokens of subscriptions.
      willAuthError: (operation) =>
        operation.kind !== 'subscription' && session.isSignedIn() && bearerFor(operation) === null,
      didAuthError: ({ graphQLErrors, response }, operation) => {
        const isRejected = isUnauthenticated(graphQLErrors) || (response as Response | undefined)?.status === 401;
        if (isRejected) rejected = sentWith(operation);
        return isRejected;
      },
      refreshAuth: async () => {
        const token = rejected;
        rejected = null;
        await (token === null ? session.accessToken() : session.renew(token));
      },
    });
  });
}

/** The access token that an operation was sent with. */
function sentWith({ context: { fetchOptions } }: Operation): string | null {
  const { headers } = (typeof fetchOptions === 'function' ? fetchOptions() : fetchOptions) ?? {};
  return new Headers(headers).get('authorization')?.replace('Bearer ', '') ?? null;
}

/** Runs subscriptions over a transport of this package (WebSocket or server-sent events), which reconnects automatically. */
export function streamExchange(transport: StreamTransport): Exchange {
  return subscriptionExchange({
    forwardSubscription: ({ query = '', operationName, variables, extensions }) => ({
      subscribe: (sink) => {
        const request = {
          query,
          variables: variables ?? {},
          ...(operationName !== undefined && { operationName }),
          ...(extensions && { extensions }),
        };
        const unsubscribe = transport.subscribe(request, {
          next: (result) => {
            sink.next(result as Parameters<typeof sink.next>[0]);
          },
          error: (cause) => {
            sink.error(cause);
          },
          complete: () => {
            sink.complete();
          },
        });
        return { unsubscribe };
      },
    }),
  });
}

export interface ExchangeOptions {
  readonly session: Session;
  readonly stream: StreamTransport;
}

/** All exchanges: document cache, access token, HTTP, and subscriptions over the transport. */
export function countersignExchanges({ session, stream }: ExchangeOptions): Exchange[] {
  return [cacheExchange, sessionExchange(session), fetchExchange, streamExchange(stream)];
}
