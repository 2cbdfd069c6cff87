import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

/** Without a graphics card, without first-run dialogs, and without Chromium's own network requests. */
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader',
];

/** Starts Chromium: `CHROMIUM` names it, else the one that `just setup test` unpacked, else the one of the system. */
export function launch() {
  const cache = process.env.UPDRAFT_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'updraft');
  const executablePath = process.env.CHROMIUM ?? [join(cache, 'bin/chromium'), '/usr/bin/chromium'].find(existsSync);
  return chromium.launch({ executablePath, args: FLAGS });
}
