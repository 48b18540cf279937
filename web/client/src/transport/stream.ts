import { isUnauthenticated, type TopLevelError } from '../failure.ts';
import type { Session } from '../session/session.ts';
import type { Connection } from './connection.ts';

/** An operation as it goes over the wire. */
export interface StreamRequest {
  readonly query: string;
  readonly operationName?: string;
  readonly variables?: Record<string, unknown>;
  readonly extensions?: Record<string, unknown>;
}

/** An execution result as it comes over the wire. */
export interface StreamResult {
  readonly data?: Record<string, unknown> | null | undefined;
  readonly errors?: readonly (TopLevelError & { readonly message: string })[] | undefined;
  readonly extensions?: Record<string, unknown> | undefined;
}

export interface StreamSink {
  next(result: StreamResult): void;
  /** A list of GraphQL errors where the operation was refused, otherwise whatever broke the connection for good. */
  error(cause: unknown): void;
  complete(): void;
}

/** Starts a subscription. Calling what it returns ends it. */
export type Subscribe = (request: StreamRequest, sink: StreamSink) => () => void;

/** How subscriptions travel. Lost connections come back by themselves; `connection` tells how it stands. */
export interface StreamTransport {
  readonly subscribe: Subscribe;
  readonly connection: Connection;
}

export interface TransportOptions {
  readonly url: string;
  /** Left out: everybody is anonymous, which is enough to watch a verification. */
  readonly session?: Session | undefined;
}

/**
 * Resumes streams that the service ends because their token did: renews it, and subscribes again. The service opens a
 * stream with the present state, so nothing is missed.
 */
export function resuming(subscribe: Subscribe, session: Session | undefined): Subscribe {
  if (!session) return subscribe;
  return (request, sink) => {
    let ended = false;
    let stop: () => void = () => undefined;
    /** Renewed without having heard anything since: a second refusal is then about something else. */
    let renewedInVain = false;

    const open = (): void => {
      let refused = false;
      /** True where the refusal is ours to mend. */
      const mend = (errors: unknown): boolean => {
        if (renewedInVain || !session.isSignedIn() || !isUnauthenticated(asErrors(errors))) return false;
        refused = true;
        renewedInVain = true;
        stop();
        const sentWith = session.freshBearer();
        (sentWith === null ? session.bearer() : session.renew(sentWith)).then(
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
          if (refused || mend(result.errors)) return;
          renewedInVain = false;
          sink.next(result);
        },
        error(cause) {
          if (!refused && !mend(cause)) sink.error(cause);
        },
        complete() {
          if (!refused) sink.complete();
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
