import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Everything that the page needs comes from where the page came from, so that it works with the network cut off. */
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: '../dist',
    // The demo is built into a folder of it afterwards.
    emptyOutDir: true,
    // Monaco is large, and there is no way to look at a schema without an editor.
    chunkSizeWarningLimit: 4_000,
    // Files stay files, as far as it is up to us: GraphiQL's own style sheet has its fonts inside.
    assetsInlineLimit: 0,
    rolldownOptions: {
      // GraphiQL names its icons after its components, for screen readers; shortened names would say nothing.
      output: { keepNames: true },
      // Notes of GraphiQL's to React's compiler; nothing is lost with them.
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
