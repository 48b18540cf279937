import { cacheExchange, fetchExchange, subscriptionExchange, type Exchange, type Operation } from '@urql/core';
import { authExchange } from '@urql/exchange-auth';

import { isUnauthenticated } from '../failure.ts';
import { OWN_PAGE } from '../own-page.ts';
import type { Session } from '../session/session.ts';
import type { StreamTransport } from '../transport/stream.ts';

/** Sends the access token along and, where the service refuses it, renews it once for all tabs and asks again. */
export function sessionExchange(session: Session): Exchange {
  const bearerFor = ({ kind }: Operation): string | null =>
    (kind === 'mutation' ? session.elevatedBearer() : null) ?? session.freshBearer();
  return authExchange((utils) => {
    let refused: string | null = null;
    return Promise.resolve({
      addAuthToOperation: (operation) => {
        const bearer = bearerFor(operation);
        return utils.appendHeaders(operation, {
          ...OWN_PAGE,
          ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
        });
      },
      // Streams look after their own token, in the transport.
      willAuthError: (operation) =>
        operation.kind !== 'subscription' && session.isSignedIn() && bearerFor(operation) === null,
      didAuthError: ({ graphQLErrors, response }, operation) => {
        const isRefusal = isUnauthenticated(graphQLErrors) || (response as Response | undefined)?.status === 401;
        if (isRefusal) refused = sentWith(operation);
        return isRefusal;
      },
      refreshAuth: async () => {
        const token = refused;
        refused = null;
        await (token === null ? session.bearer() : session.renew(token));
      },
    });
  });
}

/** The access token that an operation went out with. */
function sentWith({ context: { fetchOptions } }: Operation): string | null {
  const { headers } = (typeof fetchOptions === 'function' ? fetchOptions() : fetchOptions) ?? {};
  return new Headers(headers).get('authorization')?.replace('Bearer ', '') ?? null;
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
