import { defineConfig } from 'vite';

export default defineConfig({
  // Relative, so that the page works under any path of the server.
  base: './',
  build: {
    target: 'es2023',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1500,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // MapLibre's worker ends in .mjs, which not every server knows to be JavaScript.
        assetFileNames: ({ names }) => `assets/[name]-[hash]${names.some((name) => name.endsWith('.mjs')) ? '.js' : '[extname]'}`,
      },
    },
  },
  server: {
    // `npx vite` develops against a running pusher.
    proxy: {
      '/api': 'http://localhost:8090',
      '/config.json': 'http://localhost:8090',
      '/ws': { target: 'ws://localhost:8090', ws: true },
    },
  },
});
