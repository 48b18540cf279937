import { availableParallelism } from 'node:os';

import { defineConfig } from '@playwright/test';

/**
 * End-to-end tests of the pages and the clients against the program itself (`COUNTERSIGN`, else the debug build), a fresh
 * one for each worker, in the system's Chromium (`CHROMIUM`; browsers are not downloaded). `npm run build` comes first.
 */
export default defineConfig({
  testDir: 'e2e',
  outputDir: 'e2e/artefacts/results',
  fullyParallel: false,
  // Some tests wait a minute for something to expire; they start first, and the others run meanwhile. At least two workers
  // for that reason; beyond it one for each core, since each has a browser and a service of its own.
  workers: Math.max(2, Math.min(availableParallelism(), 8)),
  projects: [
    { name: 'minutes', testMatch: ['expiry.spec.ts', 'sessions.spec.ts'] },
    { name: 'moments', testIgnore: ['expiry.spec.ts', 'sessions.spec.ts'] },
  ],
  forbidOnly: Boolean(process.env['CI']),
  // Guards against hanging, not bounds on speed: a machine that is slow or busy with something else must pass too.
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
