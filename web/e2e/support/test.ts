import { test as base, expect } from '@playwright/test';

import { startServer, type ServerOptions, type TestServer } from './server.ts';
import { Visitor } from './visitor.ts';

interface Fixtures {
  readonly visitor: Visitor;
  /** What the browser found fault with: thrown errors, refusals of the page's policy, React's warnings. */
  readonly complaints: string[];
}

interface WorkerFixtures {
  readonly serverOptions: ServerOptions;
  readonly server: TestServer;
}

/** A connection that a test cuts is reported by the browser itself, and a refused answer too. */
const EXPECTED = /ERR_|WebSocket connection|Failed to load resource/;

/** Tests with the service at hand, and no browser. */
export const served = base.extend<object, WorkerFixtures>({
  serverOptions: [{}, { scope: 'worker', option: true }],
  server: [
    async ({ serverOptions }, provide) => {
      const server = await startServer(serverOptions);
      await provide(server);
      await server.dispose();
    },
    { scope: 'worker' },
  ],
});

/** With a visitor to play, and every complaint of the browser counted as a failure. */
export const test = served.extend<Fixtures>({
  baseURL: async ({ server }, provide) => {
    await provide(server.origin);
  },
  visitor: async ({ page, server }, provide) => {
    await provide(new Visitor(page, server));
  },
  complaints: [
    async ({ page }, provide) => {
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error' && !EXPECTED.test(message.text())) complaints.push(message.text());
      });
      await provide(complaints);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };
