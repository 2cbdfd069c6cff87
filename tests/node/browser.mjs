// Controls a headless Chromium: each line of standard input is a command as a JSON object, each line of standard output
// an answer.
//
//   {"do": "open", "url": "...", "width": 1280, "height": 800, "phone": false}
//   {"do": "evaluate", "script": "JavaScript expression"}            -> its value
//   {"do": "wait", "script": "JavaScript expression", "ms": 10000}   -> its first truthy value
//   {"do": "click", "selector": "..."}
//   {"do": "download", "selector": "...", "path": "..."}             -> the file name that the server sends
//   {"do": "screenshot", "path": "..."}
//   {"do": "axe"}                                                    -> the rules of accessibility that the page breaks
//   {"do": "messages"}                                               -> console errors and uncaught exceptions so far
//
// The answer is {"ok": value} or {"error": text}. At the end of its input the program closes the browser and ends.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const TIMEOUT_MS = 180_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const [executablePath, userDataDir] = process.argv.slice(2);
const context = await chromium.launchPersistentContext(userDataDir, {
  executablePath,
  headless: true,
  acceptDownloads: true,
  args: [
    '--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync',
    // The map needs WebGL; without a graphics card, use the software renderer.
    '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader',
  ],
});
const page = context.pages()[0] ?? (await context.newPage());
const messages = [];
page.on('console', (message) => {
  if (message.type() === 'error') messages.push(`${message.text()} (${message.location().url})`);
});
page.on('pageerror', (error) => messages.push(String(error)));

const actions = {
  open: async ({ url, width = 1280, height = 800, phone = false }) => {
    await page.setViewportSize({ width, height });
    const cdp = await context.newCDPSession(page);
    await cdp.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: phone });
    await cdp.send('Emulation.setTouchEmulationEnabled', { enabled: phone });
    const answer = await page.goto(url, { timeout: TIMEOUT_MS });
    return answer?.status() ?? null;
  },
  evaluate: ({ script }) => page.evaluate(script),
  wait: async ({ script, ms = TIMEOUT_MS }) => {
    // Polls from outside: waitForFunction evaluates text in the page, which its Content-Security-Policy forbids.
    const until = Date.now() + ms;
    for (;;) {
      const value = await page.evaluate(script);
      if (value) return value;
      if (Date.now() > until) throw new Error(`not true within ${ms} ms: ${script}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  },
  click: ({ selector }) => page.click(selector, { timeout: TIMEOUT_MS }),
  download: async ({ selector, path }) => {
    const download = page.waitForEvent('download', { timeout: TIMEOUT_MS });
    const [file] = await Promise.all([download, page.click(selector, { timeout: TIMEOUT_MS })]);
    const failure = await file.failure();
    if (failure) throw new Error(`${file.url()}: ${failure}`);
    await file.saveAs(path);
    return file.suggestedFilename();
  },
  screenshot: async ({ path }) => {
    await page.screenshot({ path, timeout: TIMEOUT_MS });
    return path;
  },
  axe: async () => {
    await page.evaluate(AXE);
    const { violations } = await page.evaluate('axe.run()');
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`);
  },
  messages: async () => messages,
};

// The parent process has ended, maybe during a command that does not return: end after 3 seconds at the latest.
process.stdin.on('close', () => setTimeout(() => process.exit(1), 3000));

const answer = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);
answer({ ok: 'ready' });
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    answer({ ok: (await actions[command.do](command)) ?? null });
  } catch (error) {
    answer({ error: String(error) });
  }
}
await context.close();
process.exit(0);
