import { readFileSync } from 'node:fs';

import { ApolloClient } from '@apollo/client';
import { FakeServer, type FakeServerOptions } from '@countersign/fake-server';
import { Client } from '@urql/core';

import { apolloWire, countersignCache, countersignLink } from '../../src/apollo/index.ts';
import { memoryStore } from '../../src/session/record.ts';
import { renewOverHttp } from '../../src/session/refresh.ts';
import { Session } from '../../src/session/session.ts';
import { createEventStreamTransport } from '../../src/transport/sse.ts';
import type { StreamTransport } from '../../src/transport/stream.ts';
import { createWebSocketTransport } from '../../src/transport/websocket.ts';
import { countersignExchanges, urqlWire } from '../../src/urql/index.ts';
import type { Wire } from '../../src/wire.ts';

const SCHEMA = readFileSync(new URL('../../../../schema.graphql', import.meta.url), 'utf8');

export function startServer(options: Omit<FakeServerOptions, 'schema'> = {}): Promise<FakeServer> {
  return FakeServer.start({ schema: SCHEMA, deliveryStepMs: 20, ...options });
}

export interface Stack {
  readonly wire: Wire;
  readonly session: Session;
  readonly stream: StreamTransport;
}

interface Way {
  readonly client: 'Apollo' | 'urql';
  readonly transport: 'WebSocket' | 'SSE';
}

/** Every way a page can take to the service. */
export const WAYS: readonly Way[] = (['Apollo', 'urql'] as const).flatMap((client) =>
  (['WebSocket', 'SSE'] as const).map((transport) => ({ client, transport })),
);

let tabs = 0;

/** A page: its client, its transport and its session. */
export function page({ client, transport }: Way, url: string): Stack {
  tabs += 1;
  const session = new Session({ renew: renewOverHttp({ url }), store: memoryStore(), name: `page-${String(tabs)}` });
  const stream =
    transport === 'WebSocket'
      ? createWebSocketTransport({ url, session })
      : createEventStreamTransport({ url, session });
  const wire =
    client === 'Apollo'
      ? apolloWire(new ApolloClient({ cache: countersignCache(), link: countersignLink({ url, session, stream }) }))
      : urqlWire(new Client({ url, exchanges: countersignExchanges({ session, stream }), preferGetMethod: false }));
  return { wire, session, stream };
}
