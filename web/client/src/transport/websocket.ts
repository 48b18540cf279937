import { CloseCode, createClient, type Client, type ClientOptions } from 'graphql-ws';

import { waitForRetry } from '../backoff.ts';
import { createConnection, type MutableConnection } from './connection.ts';
import { withTokenRenewal, type StreamTransport, type TransportOptions } from './stream.ts';

export type { Connection, ConnectionState } from './connection.ts';
export type { StreamTransport } from './stream.ts';

/** The interval of keep-alive pings. */
const PING_INTERVAL_MS = 12_000;
/** Without a pong within this time the socket is closed: networks may drop a connection silently. */
const PONG_TIMEOUT_MS = 5_000;
/** The socket stays open this long after the last subscription, so that the next one can reuse it. */
const IDLE_CLOSE_MS = 3_000;

export interface WebSocketTransport extends StreamTransport {
  /** The underlying `graphql-ws` client, for other subscriptions of the app. Created on first use. */
  readonly client: Client;
}

export interface WebSocketOptions extends TransportOptions {
  /** A WebSocket class for environments without one, such as `ws` in Node before 22. */
  readonly webSocketImpl?: ClientOptions['webSocketImpl'];
}

/**
 * Subscriptions over one WebSocket with the `graphql-transport-ws` protocol.
 *
 * A WebSocket is needed only from the first subscription on, so the transport can be created during server-side rendering.
 */
export function createWebSocketTransport(options: WebSocketOptions): WebSocketTransport {
  let client: Client | null = null;
  const connection = createConnection();
  const { session } = options;

  // The token is sent once, when the socket opens, so a sign-in or a sign-out has to reopen it.
  session?.subscribe(() => {
    client?.terminate();
  });

  const transport: WebSocketTransport = {
    connection,
    get client() {
      return (client ??= createSocketClient(options, connection));
    },
    subscribe: withTokenRenewal((request, sink) => {
      let socket: Client;
      try {
        socket = transport.client;
      } catch (cause) {
        // The environment has no WebSocket, and no implementation was passed.
        sink.error(cause);
        return () => undefined;
      }
      return socket.subscribe(request, sink);
    }, session),
  };
  return transport;
}

function createSocketClient({ url, session, webSocketImpl }: WebSocketOptions, connection: MutableConnection): Client {
  let sentWith: string | null = null;
  let rejected: string | null = null;
  let pongTimer: ReturnType<typeof setTimeout> | undefined;

  const client: Client = createClient({
    url: () => socketUrl(url),
    webSocketImpl,
    lazyCloseTimeout: IDLE_CLOSE_MS,
    keepAlive: PING_INTERVAL_MS,
    retryAttempts: Infinity,
    retryWait: waitForRetry,
    // The default retries only after a close event. A refused connection (the server restarts) is an error event.
    shouldRetry: () => true,
    connectionParams: async () => {
      sentWith = await bearer();
      return sentWith === null ? {} : { authorization: `Bearer ${sentWith}` };
    },
    on: {
      connecting: () => {
        connection.set(connection.get() === 'idle' ? 'connecting' : 'reconnecting');
      },
      connected: () => {
        rejected = null;
        connection.set('open');
      },
      closed: (event) => {
        clearTimeout(pongTimer);
        const { code } = event as { code?: number };
        // The token expired or was revoked. The next connection uses a new one.
        if (code === CloseCode.Forbidden) rejected = sentWith;
        connection.set(code === 1000 ? 'idle' : 'reconnecting');
      },
      ping: (received) => {
        if (received) return;
        clearTimeout(pongTimer);
        pongTimer = setTimeout(() => {
          client.terminate();
        }, PONG_TIMEOUT_MS);
      },
      pong: (received) => {
        if (received) clearTimeout(pongTimer);
      },
    },
  });

  /** Verifications can be watched anonymously, so a failed renewal does not prevent a connection. */
  async function bearer(): Promise<string | null> {
    if (!session) return null;
    try {
      return await (rejected === null ? session.accessToken() : session.renew(rejected));
    } catch {
      return null;
    }
  }

  return client;
}

/** Converts `/graphql` or `https://…/graphql` to a WebSocket URL. */
function socketUrl(url: string): string {
  const base = typeof location === 'undefined' ? undefined : location.href;
  return new URL(url, base).href.replace(/^http/, 'ws');
}
