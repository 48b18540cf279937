import { test as base, expect, type BrowserContext, type BrowserContextOptions } from '@playwright/test';

import { startServer, type ServerOptions, type TestServer } from './server.ts';
import { Visitor } from './visitor.ts';

interface Fixtures {
  readonly visitor: Visitor;
  /** Creates another visitor with a separate browser context. */
  readonly anotherVisitor: (options?: BrowserContextOptions) => Promise<Visitor>;
  /** Errors and warnings of the browser: exceptions, CSP violations, React warnings. */
  readonly consoleErrors: string[];
}

interface WorkerFixtures {
  readonly serverOptions: ServerOptions;
  readonly server: TestServer;
}

/** Messages that the browser logs for interrupted connections and error responses. */
const EXPECTED = /ERR_|WebSocket connection|Failed to load resource/;

/** Tests with a running service and without a browser. */
export const serverTest = base.extend<object, WorkerFixtures>({
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

/** Tests with a browser. Any console error or warning fails the test. */
export const test = serverTest.extend<Fixtures>({
  baseURL: async ({ server }, provide) => {
    await provide(server.origin);
  },
  visitor: async ({ page, server }, provide) => {
    await provide(new Visitor(page, server));
  },
  anotherVisitor: async ({ browser, server, consoleErrors }, provide) => {
    const opened: BrowserContext[] = [];
    await provide(async (options) => {
      const context = await browser.newContext({ baseURL: server.origin, locale: 'en-GB', ...options });
      opened.push(context);
      listen(context, consoleErrors);
      return new Visitor(await context.newPage(), server);
    });
    await Promise.all(opened.map((context) => context.close()));
  },
  consoleErrors: [
    async ({ context }, provide) => {
      const consoleErrors: string[] = [];
      listen(context, consoleErrors);
      await provide(consoleErrors);
      expect(consoleErrors).toEqual([]);
    },
    { auto: true },
  ],
});

function listen(context: BrowserContext, consoleErrors: string[]): void {
  context.on('weberror', (thrown) => consoleErrors.push(thrown.error().message));
  context.on('console', (message) => {
    const isError = message.type() === 'error' || message.type() === 'warning';
    if (isError && !EXPECTED.test(message.text())) consoleErrors.push(message.text());
  });
}

export { expect };
