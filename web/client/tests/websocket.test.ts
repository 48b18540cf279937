import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';

import type { FakeServer } from '@countersign/fake-server';
import { createWebSocketTransport, type WebSocketTransport } from '../src/transport/websocket.ts';
import { startServer } from './support/stacks.ts';

const request = { query: 'subscription { verificationStatus(id: "ver_none") { id } }' };

/** The first event of a subscription. */
function outcome(transport: WebSocketTransport): Promise<unknown> {
  return new Promise((resolve) => {
    transport.subscribe(request, {
      next: resolve,
      error: resolve,
      complete: () => {
        resolve('complete');
      },
    });
  });
}

describe('the WebSocket transport without a global WebSocket', () => {
  let server: FakeServer;
  beforeEach(async () => {
    server = await startServer();
    vi.stubGlobal('WebSocket', undefined);
  });
  afterEach(async () => {
    vi.unstubAllGlobals();
    await server.close();
  });

  it('can be created and fails at the first subscription', async () => {
    const transport = createWebSocketTransport({ url: server.url });
    expect(transport.connection.get()).toBe('idle');
    expect(await outcome(transport)).toMatchObject({ message: expect.stringContaining('WebSocket') as string });
  });

  it('uses webSocketImpl', async () => {
    const transport = createWebSocketTransport({ url: server.url, webSocketImpl: WebSocket });
    expect(await outcome(transport)).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
    await transport.client.dispose();
  });
});
