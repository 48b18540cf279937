import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';

const SERVICE = 'http://127.0.0.1:8000';

export default defineConfig({
  base: '/demo/',
  plugins: [react()],
  // Resolves the client package to its sources, so that changes apply at once.
  resolve: { conditions: ['source', ...defaultClientConditions] },
  build: { outDir: '../dist/demo', emptyOutDir: true, assetsInlineLimit: 0 },
  server: {
    proxy: { '/graphql': { target: SERVICE, ws: true }, '/dev': SERVICE },
  },
});
