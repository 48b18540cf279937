import { isUnauthenticated, type TopLevelError } from '../failure.ts';
import type { Session } from '../session/session.ts';
import type { Connection } from './connection.ts';

/** A GraphQL request. */
export interface StreamRequest {
  readonly query: string;
  readonly operationName?: string;
  readonly variables?: Record<string, unknown>;
  readonly extensions?: Record<string, unknown>;
}

/** A GraphQL execution result. */
export interface StreamResult {
  readonly data?: Record<string, unknown> | null | undefined;
  readonly errors?: readonly (TopLevelError & { readonly message: string })[] | undefined;
  readonly extensions?: Record<string, unknown> | undefined;
}

export interface StreamSink {
  next(result: StreamResult): void;
  /** A list of GraphQL errors if the operation was rejected, otherwise the cause of a fatal connection error. */
  error(cause: unknown): void;
  complete(): void;
}

/** Starts a subscription. Returns the function that ends it. */
export type Subscribe = (request: StreamRequest, sink: StreamSink) => () => void;

/** Transport for subscriptions. It reconnects automatically; `connection` has its state. */
export interface StreamTransport {
  readonly subscribe: Subscribe;
  readonly connection: Connection;
}

export interface TransportOptions {
  readonly url: string;
  /** Without a session, subscriptions are anonymous, which is enough to watch a verification. */
  readonly session?: Session | undefined;
}

/**
 * Resubscribes with a new token after the service has ended a stream because its token expired or was revoked. The first event
 * of a stream is the current state, so no change is missed.
 */
export function withTokenRenewal(subscribe: Subscribe, session: Session | undefined): Subscribe {
  if (!session) return subscribe;
  return (request, sink) => {
    let ended = false;
    let stop: () => void = () => undefined;
    /** The token was renewed and no result has arrived since: a second rejection has another cause. */
    let hasRenewed = false;

    const open = (): void => {
      let rejected = false;
      /** Returns true if the stream is being reopened with a new token. */
      const retryWithNewToken = (errors: unknown): boolean => {
        if (hasRenewed || !session.isSignedIn() || !isUnauthenticated(asErrors(errors))) return false;
        rejected = true;
        hasRenewed = true;
        stop();
        const sentWith = session.freshAccessToken();
        (sentWith === null ? session.accessToken() : session.renew(sentWith)).then(
          () => {
            if (!ended) open();
          },
          (cause: unknown) => {
            if (!ended) sink.error(cause);
          },
        );
        return true;
      };
      stop = subscribe(request, {
        next(result) {
          if (rejected || retryWithNewToken(result.errors)) return;
          hasRenewed = false;
          sink.next(result);
        },
        error(cause) {
          if (!rejected && !retryWithNewToken(cause)) sink.error(cause);
        },
        complete() {
          if (!rejected) sink.complete();
        },
      });
    };

    open();
    return () => {
      ended = true;
      stop();
    };
  };
}

function asErrors(value: unknown): readonly TopLevelError[] | undefined {
  return Array.isArray(value) ? (value as readonly TopLevelError[]) : undefined;
}
