import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

const conditions = ['updraft-source', ...defaultServerConditions];

// Drawing without a graphics card takes its time.
export default defineConfig({ resolve: { conditions }, ssr: { resolve: { conditions } }, test: { include: ['tests/page/*.test.ts'], exclude: ['tests/page/views.test.ts'], environment: 'node', testTimeout: 240_000, hookTimeout: 60_000, fileParallelism: false } });
