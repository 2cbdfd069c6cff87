import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

const conditions = ['updraft-source', ...defaultServerConditions];
const PICTURES = 'tests/page/views.test.ts';

// Drawing without a graphics card takes its time: pictures are made when they are asked for.
export default defineConfig(({ mode }) => ({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    ...(mode === 'pictures' ? { include: [PICTURES] } : { include: ['tests/page/*.test.ts'], exclude: [PICTURES] }),
    environment: 'node', testTimeout: 240_000, hookTimeout: 60_000,
    // A loaded machine draws late.
    expect: { poll: { timeout: 60_000, interval: 100 } },
    // A browser for each of two workers: one takes about a core.
    maxWorkers: 2, isolate: false,
  },
}));
