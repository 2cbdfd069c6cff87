import { defineConfig, mergeConfig } from 'vitest/config';
import page from './vitest.page.config.ts';

// Pictures take minutes to draw without a graphics card: they are made when they are asked for.
const { include: _, exclude: __, ...options } = page.test ?? {};
export default mergeConfig({ ...page, test: options }, defineConfig({ test: { include: ['tests/page/views.test.ts'] } }));
