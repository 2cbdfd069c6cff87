import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

/** Without a graphics card, without first-run dialogs, and without Chromium's own network requests. */
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader',
];

/**
 * Starts Chromium: `CHROMIUM` names it, else one that `just setup test` unpacked, else the one of the system.
 * `notifications`: needs the one with a user interface; the others run without it where that is there, which takes less time.
 */
export function launch({ notifications = false } = {}) {
  const bin = join(process.env.UPDRAFT_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'updraft'), 'bin');
  const found = [...(notifications ? [] : [join(bin, 'chromium-headless-shell')]), join(bin, 'chromium'), '/usr/bin/chromium'].find(existsSync);
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? found, args: FLAGS });
}
