import { CloseCode, createClient, type Client, type ClientOptions } from 'graphql-ws';

import { patience } from '../backoff.ts';
import { makeConnection, type OwnConnection } from './connection.ts';
import { resuming, type StreamTransport, type TransportOptions } from './stream.ts';

export type { Connection, ConnectionState } from './connection.ts';
export type { StreamTransport } from './stream.ts';

/** Quiet for this long, the server is asked whether it is still there. */
const PING_AFTER_MS = 12_000;
/** ... and given up when it has not answered by then: the network swallowed the socket without a word. */
const PONG_WITHIN_MS = 5_000;
/** A socket outlives its last subscription by this much, so that the next one need not open another. */
const LINGER_MS = 3_000;

export interface WebSocketTransport extends StreamTransport {
  /** The client below, for other subscriptions of the app. Made when it is first read or used. */
  readonly client: Client;
}

export interface WebSocketOptions extends TransportOptions {
  /** A WebSocket class for environments without one: `ws` in Node before 22. */
  readonly webSocketImpl?: ClientOptions['webSocketImpl'];
}

/**
 * Subscriptions over one WebSocket, in the `graphql-transport-ws` protocol.
 *
 * Nothing needs a WebSocket before the first subscription, so a server that renders pages can create the transport too.
 */
export function createWebSocketTransport(options: WebSocketOptions): WebSocketTransport {
  let client: Client | null = null;
  const connection = makeConnection();
  const { session } = options;

  // The token is sent once, when a socket opens. After a sign-in or a sign-out the socket is opened again.
  session?.subscribe(() => {
    client?.terminate();
  });

  const transport: WebSocketTransport = {
    connection,
    get client() {
      return (client ??= createSocketClient(options, connection));
    },
    subscribe: resuming((request, sink) => {
      let opened: Client;
      try {
        opened = transport.client;
      } catch (cause) {
        // There is no WebSocket here, and none was given.
        sink.error(cause);
        return () => undefined;
      }
      return opened.subscribe(request, sink);
    }, session),
  };
  return transport;
}

function createSocketClient({ url, session, webSocketImpl }: WebSocketOptions, connection: OwnConnection): Client {
  let sentWith: string | null = null;
  let refused: string | null = null;
  let awaitedPong: ReturnType<typeof setTimeout> | undefined;

  const client: Client = createClient({
    url: () => socketUrl(url),
    webSocketImpl,
    lazyCloseTimeout: LINGER_MS,
    keepAlive: PING_AFTER_MS,
    retryAttempts: Infinity,
    retryWait: patience,
    // The default retries after a close alone; a connection that is refused, as while the server restarts, is an error event.
    shouldRetry: () => true,
    connectionParams: async () => {
      sentWith = await bearer();
      return sentWith === null ? {} : { authorization: `Bearer ${sentWith}` };
    },
    on: {
      connecting: () => {
        connection.set(connection.get() === 'idle' ? 'connecting' : 'waiting');
      },
      connected: () => {
        refused = null;
        connection.set('open');
      },
      closed: (event) => {
        clearTimeout(awaitedPong);
        const { code } = event as { code?: number };
        // The token expired or was revoked under the socket; the next one opens with another.
        if (code === CloseCode.Forbidden) refused = sentWith;
        connection.set(code === 1000 ? 'idle' : 'waiting');
      },
      ping: (received) => {
        if (received) return;
        clearTimeout(awaitedPong);
        awaitedPong = setTimeout(() => {
          client.terminate();
        }, PONG_WITHIN_MS);
      },
      pong: (received) => {
        if (received) clearTimeout(awaitedPong);
      },
    },
  });

  /** Watching needs nobody to be signed in, so a renewal that fails does not keep a socket from opening. */
  async function bearer(): Promise<string | null> {
    if (!session) return null;
    try {
      return await (refused === null ? session.bearer() : session.renew(refused));
    } catch {
      return null;
    }
  }

  return client;
}

/** `/graphql` or `https://…/graphql` as the address of a socket. */
function socketUrl(url: string): string {
  const base = typeof location === 'undefined' ? undefined : location.href;
  return new URL(url, base).href.replace(/^http/, 'ws');
}
