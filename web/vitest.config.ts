import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: ['*/tests/**/*.test.{ts,tsx}'],
    setupFiles: ['client/tests/setup.ts'],
    restoreMocks: true,
    testTimeout: 15_000,
    unstubGlobals: true,
  },
});
