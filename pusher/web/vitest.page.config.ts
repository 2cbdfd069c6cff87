import { defineConfig } from 'vitest/config';

// Drawing without a graphics card takes its time.
export default defineConfig({ test: { include: ['tests/page/*.test.ts'], environment: 'node', testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false } });
