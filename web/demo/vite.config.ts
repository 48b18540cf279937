import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';

const SERVICE = 'http://127.0.0.1:8000';

export default defineConfig({
  base: '/demo/',
  plugins: [react()],
  // The client package as its sources, so that a change in it shows at once.
  resolve: { conditions: ['source', ...defaultClientConditions] },
  build: { outDir: '../dist/demo', emptyOutDir: true, assetsInlineLimit: 0 },
  server: {
    proxy: { '/graphql': { target: SERVICE, ws: true }, '/dev': SERVICE },
  },
});
