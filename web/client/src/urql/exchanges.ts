import { cacheExchange, fetchExchange, subscriptionExchange, type Exchange } from '@urql/core';
import { authExchange } from '@urql/exchange-auth';

import { isUnauthenticated } from '../failure.ts';
import { OWN_PAGE } from '../own-page.ts';
import type { Session } from '../session/session.ts';
import type { StreamTransport } from '../transport/stream.ts';

/** Sends the access token along and, where the service refuses it, renews it once for all tabs and asks again. */
export function sessionExchange(session: Session): Exchange {
  return authExchange((utils) => {
    let sentWith: string | null = null;
    return Promise.resolve({
      addAuthToOperation: (operation) => {
        sentWith = session.freshBearer();
        return utils.appendHeaders(operation, {
          ...OWN_PAGE,
          ...(sentWith !== null && { authorization: `Bearer ${sentWith}` }),
        });
      },
      // Streams look after their own token, in the transport.
      willAuthError: ({ kind }) => kind !== 'subscription' && session.isSignedIn() && session.freshBearer() === null,
      didAuthError: ({ graphQLErrors, response }) =>
        isUnauthenticated(graphQLErrors) || (response as Response | undefined)?.status === 401,
      refreshAuth: async () => {
        const fresh = session.freshBearer();
        await (fresh === null || sentWith === null ? session.bearer() : session.renew(sentWith));
      },
    });
  });
}

/** Subscriptions over a transport of this package: WebSocket or server-sent events, resumed by themselves. */
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

/** The whole way to the service: a document cache, the session's token, HTTP, and subscriptions by the transport. */
export function countersignExchanges({ session, stream }: ExchangeOptions): Exchange[] {
  return [cacheExchange, sessionExchange(session), fetchExchange, streamExchange(stream)];
}
