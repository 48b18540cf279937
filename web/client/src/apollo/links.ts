import { ApolloLink, HttpLink, Observable } from '@apollo/client';
import { CombinedGraphQLErrors, ServerError } from '@apollo/client/errors';
import { OperationTypeNode, print } from 'graphql';

import { CSRF_HEADER } from '../csrf-header.ts';
import { isUnauthenticated } from '../failure.ts';
import type { Session } from '../session/session.ts';
import type { StreamTransport } from '../transport/stream.ts';

interface HeaderContext {
  readonly headers?: Readonly<Record<string, string>>;
}

/** Adds the access token to each request. If the service rejects it, renews it once for all tabs and repeats the request. */
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
          let retrying = false;
          /** Returns true if the request is being repeated with a new token. */
          const retryWithNewToken = (rejected: boolean): boolean => {
            if (!rejected || isLast || bearer === null) return false;
            retrying = true;
            session.renew(bearer).then((next) => {
              attempt(next, true);
            }, fail);
            return true;
          };
          operation.setContext({
            headers: { ...CSRF_HEADER, ...headers, ...(bearer !== null && { authorization: `Bearer ${bearer}` }) },
          });
          inner = forward(operation).subscribe({
            next: (result) => {
              if (!retryWithNewToken('errors' in result && isUnauthenticated(result.errors))) observer.next(result);
            },
            error: (cause: unknown) => {
              if (!retryWithNewToken(isRejected(cause))) fail(cause);
            },
            complete: () => {
              if (!retrying) observer.complete();
            },
          });
        };

        const stepUpToken = operation.operationType === OperationTypeNode.MUTATION ? session.stepUpToken() : null;
        if (stepUpToken !== null) attempt(stepUpToken, false);
        else
          session.accessToken().then((bearer) => {
            attempt(bearer, false);
          }, fail);
        return () => {
          closed = true;
          inner?.unsubscribe();
        };
      }),
  );
}

function isRejected(cause: unknown): boolean {
  if (ServerError.is(cause)) return cause.statusCode === 401;
  return CombinedGraphQLErrors.is(cause) && isUnauthenticated(cause.errors);
}

/** Runs subscriptions over a transport of this package (WebSocket or server-sent events), which reconnects automatically. */
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
  /** Additional headers, evaluated for each request, such as `accept-language`. */
  readonly headers?: () => Record<string, string>;
  readonly credentials?: RequestCredentials;
}

/** The complete link: subscriptions over the transport, queries and mutations over HTTP with the session's access token. */
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
