import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** All assets come from the page's origin, so that it works without internet access. */
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: '../dist',
    // The demo is built into a subdirectory afterwards.
    emptyOutDir: true,
    // Monaco is large and cannot be split further.
    chunkSizeWarningLimit: 4_000,
    // Do not inline assets. GraphiQL's style sheet contains inlined fonts itself.
    assetsInlineLimit: 0,
    rolldownOptions: {
      // GraphiQL derives the accessible names of its icons from component names, so they must not be minified.
      output: { keepNames: true },
      // Ignore React Compiler directives in GraphiQL's modules.
      onLog: (level, log, pass) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') pass(level, log);
      },
    },
  },
  worker: { format: 'es' },
  server: {
    proxy: {
      '/graphql': { target: 'http://127.0.0.1:8000', ws: true },
      '/dev': 'http://127.0.0.1:8000',
    },
  },
});
