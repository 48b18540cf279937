import { createClient, type Client } from 'graphql-sse';

import { patience } from '../backoff.ts';
import { makeConnection } from './connection.ts';
import { resuming, type StreamTransport, type TransportOptions } from './stream.ts';

export type { Connection, ConnectionState } from './connection.ts';
export type { StreamTransport } from './stream.ts';

export interface EventStreamTransport extends StreamTransport {
  /** The client below, for other subscriptions of the app. */
  readonly client: Client;
}

export interface EventStreamOptions extends TransportOptions {
  readonly credentials?: RequestCredentials;
}

/**
 * Subscriptions as server-sent events, one request for each (the distinct connections mode of GraphQL over SSE): for
 * networks that let no WebSocket through.
 */
export function createEventStreamTransport({ url, session, credentials }: EventStreamOptions): EventStreamTransport {
  const connection = makeConnection();
  let listening = 0;

  const client = createClient({
    url,
    ...(credentials && { credentials }),
    retryAttempts: Infinity,
    retry: (failures) => {
      connection.set('waiting');
      return patience(failures);
    },
    headers: async (): Promise<Record<string, string>> => {
      // Watching needs nobody to be signed in, so a renewal that fails does not keep a stream from opening.
      const bearer = (await session?.bearer().catch(() => null)) ?? null;
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
      connecting: (again) => {
        if (!again && connection.get() === 'idle') connection.set('connecting');
      },
      connected: () => {
        connection.set('open');
      },
    },
  });

  const subscribe = resuming((request, sink) => {
    listening += 1;
    let over = false;
    const finish = (): void => {
      if (over) return;
      over = true;
      listening -= 1;
      if (listening === 0) connection.set('idle');
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
