import type { Browser } from 'playwright-core';

export function launch(options?: { notifications?: boolean }): Promise<Browser>;
