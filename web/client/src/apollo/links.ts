import { ApolloLink, HttpLink, Observable } from '@apollo/client';
import { CombinedGraphQLErrors, ServerError } from '@apollo/client/errors';
import { OperationTypeNode, print } from 'graphql';

import { isUnauthenticated } from '../failure.ts';
import { OWN_PAGE } from '../own-page.ts';
import type { Session } from '../session/session.ts';
import type { StreamTransport } from '../transport/stream.ts';

interface HeaderContext {
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends the access token along and, where the service refuses it, renews it once for all tabs and asks again. */
export function sessionLink(session: Session): ApolloLink {
  return new ApolloLink(
    (operation, forward) =>
      new Observable((observer) => {
        const { headers } = operation.getContext() as HeaderContext;
        let inner: { unsubscribe(): void } | undefined;
        let closed = false;

        const fail = (cause: unknown): void => {
          observer.error(cause);
        };
        const attempt = (bearer: string | null, isLast: boolean): void => {
          if (closed) return;
          let mending = false;
          /** True where the answer is a refusal that a new token may mend. */
          const mend = (refused: boolean): boolean => {
            if (!refused || isLast || bearer === null) return false;
            mending = true;
            session.renew(bearer).then((next) => {
              attempt(next, true);
            }, fail);
            return true;
          };
          operation.setContext({
            headers: { ...OWN_PAGE, ...headers, ...(bearer !== null && { authorization: `Bearer ${bearer}` }) },
          });
          inner = forward(operation).subscribe({
            next: (result) => {
              if (!mend('errors' in result && isUnauthenticated(result.errors))) observer.next(result);
            },
            error: (cause: unknown) => {
              if (!mend(isRefusal(cause))) fail(cause);
            },
            complete: () => {
              if (!mending) observer.complete();
            },
          });
        };

        const elevated = operation.operationType === OperationTypeNode.MUTATION ? session.elevatedBearer() : null;
        if (elevated !== null) attempt(elevated, false);
        else
          session.bearer().then((bearer) => {
            attempt(bearer, false);
          }, fail);
        return () => {
          closed = true;
          inner?.unsubscribe();
        };
      }),
  );
}

function isRefusal(cause: unknown): boolean {
  if (ServerError.is(cause)) return cause.statusCode === 401;
  return CombinedGraphQLErrors.is(cause) && isUnauthenticated(cause.errors);
}

/** Subscriptions over a transport of this package: WebSocket or server-sent events, resumed by themselves. */
export function streamLink(transport: StreamTransport): ApolloLink {
  return new ApolloLink(
    ({ query, operationName, variables, extensions }) =>
      new Observable((observer) =>
        transport.subscribe(
          { query: print(query), variables, extensions, ...(operationName !== undefined && { operationName }) },
          {
            next: (result) => {
              observer.next(result as ApolloLink.Result);
            },
            error: (cause) => {
              observer.error(Array.isArray(cause) ? new CombinedGraphQLErrors({ errors: cause }) : cause);
            },
            complete: () => {
              observer.complete();
            },
          },
        ),
      ),
  );
}

export interface LinkOptions {
  /** The GraphQL endpoint. */
  readonly url: string;
  readonly session: Session;
  readonly stream: StreamTransport;
  /** Sent with each request, read each time: the language, for one. */
  readonly headers?: () => Record<string, string>;
  readonly credentials?: RequestCredentials;
}

/** The whole way to the service: subscriptions by the transport, the rest by HTTP with the session's token. */
export function countersignLink({ url, session, stream, headers, credentials }: LinkOptions): ApolloLink {
  const ownHeaders = new ApolloLink((operation, forward) => {
    operation.setContext((context) => ({ headers: { ...(context as HeaderContext).headers, ...headers?.() } }));
    return forward(operation);
  });
  return ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    streamLink(stream),
    ApolloLink.from([
      ownHeaders,
      sessionLink(session),
      new HttpLink({ uri: url, ...(credentials && { credentials }) }),
    ]),
  );
}
