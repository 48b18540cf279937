import { test as base, expect, type BrowserContext, type BrowserContextOptions } from '@playwright/test';

import { startServer, type ServerOptions, type TestServer } from './server.ts';
import { Visitor } from './visitor.ts';

interface Fixtures {
  readonly visitor: Visitor;
  /** Somebody else, in a browser of their own. */
  readonly anotherVisitor: (options?: BrowserContextOptions) => Promise<Visitor>;
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
  anotherVisitor: async ({ browser, server, complaints }, provide) => {
    const opened: BrowserContext[] = [];
    await provide(async (options) => {
      const context = await browser.newContext({ baseURL: server.origin, locale: 'en-GB', ...options });
      opened.push(context);
      listen(context, complaints);
      return new Visitor(await context.newPage(), server);
    });
    await Promise.all(opened.map((context) => context.close()));
  },
  complaints: [
    async ({ context }, provide) => {
      const complaints: string[] = [];
      listen(context, complaints);
      await provide(complaints);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

function listen(context: BrowserContext, complaints: string[]): void {
  context.on('weberror', (thrown) => complaints.push(thrown.error().message));
  context.on('console', (message) => {
    const isComplaint = message.type() === 'error' || message.type() === 'warning';
    if (isComplaint && !EXPECTED.test(message.text())) complaints.push(message.text());
  });
}

export { expect };
