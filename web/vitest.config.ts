import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: ['*/tests/**/*.test.{ts,tsx}'],
    setupFiles: ['client/tests/setup.ts'],
    restoreMocks: true,
    // Loaded by Node, it would import a second instance of graphql.
    server: { deps: { inline: ['@graphql-tools/utils'] } },
    // A time limit against hanging.
    testTimeout: 120_000,
    unstubGlobals: true,
  },
});
