import { readFileSync } from 'node:fs';

import { ApolloClient } from '@apollo/client';
import { FakeServer, type FakeServerOptions } from '@countersign/fake-server';
import { Client } from '@urql/core';

import type { ClientAdapter } from '../../src/adapter.ts';
import { apolloAdapter, countersignCache, countersignLink } from '../../src/apollo/index.ts';
import { memoryStore } from '../../src/session/record.ts';
import { renewOverHttp } from '../../src/session/refresh.ts';
import { Session } from '../../src/session/session.ts';
import { createEventStreamTransport } from '../../src/transport/sse.ts';
import type { StreamTransport } from '../../src/transport/stream.ts';
import { createWebSocketTransport } from '../../src/transport/websocket.ts';
import { countersignExchanges, urqlAdapter } from '../../src/urql/index.ts';

const SCHEMA = readFileSync(new URL('../../../../schema.graphql', import.meta.url), 'utf8');

export function startServer(options: Omit<FakeServerOptions, 'schema'> = {}): Promise<FakeServer> {
  return FakeServer.start({ schema: SCHEMA, deliveryStepMs: 20, ...options });
}

export interface Stack {
  readonly adapter: ClientAdapter;
  readonly session: Session;
  readonly stream: StreamTransport;
}

interface StackVariant {
  readonly client: 'Apollo' | 'urql';
  readonly transport: 'WebSocket' | 'SSE';
}

/** All combinations of client and transport. */
export const STACKS: readonly StackVariant[] = (['Apollo', 'urql'] as const).flatMap((client) =>
  (['WebSocket', 'SSE'] as const).map((transport) => ({ client, transport })),
);

let tabs = 0;

/** Creates the client, the transport and the session of a page. */
export function page({ client, transport }: StackVariant, url: string): Stack {
  tabs += 1;
  const session = new Session({ renew: renewOverHttp({ url }), store: memoryStore(), name: `page-${String(tabs)}` });
  const stream =
    transport === 'WebSocket'
      ? createWebSocketTransport({ url, session })
      : createEventStreamTransport({ url, session });
  const adapter =
    client === 'Apollo'
      ? apolloAdapter(new ApolloClient({ cache: countersignCache(), link: countersignLink({ url, session, stream }) }))
      : urqlAdapter(new Client({ url, exchanges: countersignExchanges({ session, stream }), preferGetMethod: false }));
  return { adapter, session, stream };
}
