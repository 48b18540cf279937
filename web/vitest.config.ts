import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: ['*/tests/**/*.test.{ts,tsx}'],
    setupFiles: ['client/tests/setup.ts'],
    restoreMocks: true,
    // Loaded by Node itself, it would bring a second graphql, whose types are not those of the tests.
    server: { deps: { inline: ['@graphql-tools/utils'] } },
    // A guard against hanging, not a bound on speed.
    testTimeout: 120_000,
    unstubGlobals: true,
  },
});
