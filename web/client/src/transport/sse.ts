import { createClient, type Client } from 'graphql-sse';

import { waitForRetry } from '../backoff.ts';
import { createConnection } from './connection.ts';
import { withTokenRenewal, type StreamTransport, type TransportOptions } from './stream.ts';

export type { Connection, ConnectionState } from './connection.ts';
export type { StreamTransport } from './stream.ts';

export interface EventStreamTransport extends StreamTransport {
  /** The underlying `graphql-sse` client, for other subscriptions of the app. */
  readonly client: Client;
}

export interface EventStreamOptions extends TransportOptions {
  readonly credentials?: RequestCredentials;
}

/**
 * Subscriptions over server-sent events, one request each (the distinct connections mode of GraphQL over SSE), for networks
 * that block WebSockets.
 */
export function createEventStreamTransport({ url, session, credentials }: EventStreamOptions): EventStreamTransport {
  const connection = createConnection();
  let active = 0;

  const client = createClient({
    url,
    ...(credentials && { credentials }),
    retryAttempts: Infinity,
    retry: (failures) => {
      connection.set('reconnecting');
      return waitForRetry(failures);
    },
    headers: async (): Promise<Record<string, string>> => {
      // Verifications can be watched anonymously, so a failed renewal does not prevent a stream.
      const bearer = (await session?.accessToken().catch(() => null)) ?? null;
      return bearer === null ? {} : { authorization: `Bearer ${bearer}` };
    },
    fetchFn: async (input: RequestInfo, init: RequestInit): Promise<Response> => {
      const response = await fetch(input, init);
      const sent = new Headers(init.headers).get('authorization');
      if (response.status !== 401 || !session || sent === null) return response;
      await response.body?.cancel();
      const bearer = await session.renew(sent.replace('Bearer ', '')).catch(() => null);
      const headers = new Headers(init.headers);
      if (bearer === null) headers.delete('authorization');
      else headers.set('authorization', `Bearer ${bearer}`);
      return fetch(input, { ...init, headers });
    },
    on: {
      connecting: (isRetry) => {
        if (!isRetry && connection.get() === 'idle') connection.set('connecting');
      },
      connected: () => {
        connection.set('open');
      },
    },
  });

  const subscribe = withTokenRenewal((request, sink) => {
    active += 1;
    let ended = false;
    const finish = (): void => {
      if (ended) return;
      ended = true;
      active -= 1;
      if (active === 0) connection.set('idle');
    };
    const stop = client.subscribe(request, {
      next: (result) => {
        sink.next(result as Parameters<typeof sink.next>[0]);
      },
      error: (cause) => {
        finish();
        sink.error(cause);
      },
      complete: () => {
        finish();
        sink.complete();
      },
    });
    return () => {
      finish();
      stop();
    };
  }, session);

  return { subscribe, connection, client };
}
