import { availableParallelism } from 'node:os';

import { defineConfig } from '@playwright/test';

/**
 * End-to-end tests of the pages and clients. Each worker starts its own server (`COUNTERSIGN`, default: the debug build). The
 * browser is the system's Chromium (`CHROMIUM`); browsers are not downloaded. Run `npm run build` first.
 */
export default defineConfig({
  testDir: 'e2e',
  outputDir: 'e2e/artefacts/results',
  fullyParallel: false,
  // Some tests wait a minute for an expiry. They start first and the others run meanwhile, so there are at least two workers,
  // and otherwise one for each core, because each has its own browser and server.
  workers: Math.max(2, Math.min(availableParallelism(), 8)),
  projects: [
    { name: 'slow', testMatch: ['expiry.spec.ts', 'sessions.spec.ts'] },
    { name: 'fast', testIgnore: ['expiry.spec.ts', 'sessions.spec.ts'] },
  ],
  forbidOnly: Boolean(process.env['CI']),
  // Time limits against hanging; generous, so that tests also pass on slow machines.
  timeout: 600_000,
  expect: { timeout: 120_000 },
  retries: 0,
  reporter: [['list']],
  use: {
    locale: 'en-GB',
    trace: 'retain-on-failure',
    permissions: ['clipboard-read', 'clipboard-write'],
    launchOptions: {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: [
        ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
        ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
      ],
    },
  },
});
