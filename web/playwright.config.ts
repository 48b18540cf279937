import { defineConfig } from '@playwright/test';

/**
 * End-to-end tests in the system's Chromium (`CHROMIUM_PATH`; browsers are not downloaded).
 *
 * With `COUNTERSIGN_BIN` they start that binary, a fresh one for each worker; without, the stand-in of `fake-server`, which
 * is enough to see whether the pages are right. Either way `npm run build` comes first.
 */
export default defineConfig({
  testDir: 'e2e',
  outputDir: 'e2e/artefacts/results',
  fullyParallel: false,
  workers: 1,
  forbidOnly: Boolean(process.env['CI']),
  timeout: 45_000,
  expect: { timeout: 10_000 },
  reporter: [['list']],
  use: {
    locale: 'en-GB',
    trace: 'retain-on-failure',
    permissions: ['clipboard-read', 'clipboard-write'],
    launchOptions: {
      executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
      args: [
        ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
        ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
      ],
    },
  },
});
