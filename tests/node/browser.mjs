// A headless Chromium that is told what to do: one JSON object per line in, one per line out.
//
//   {"do": "open", "url": "...", "width": 1280, "height": 800}
//   {"do": "evaluate", "script": "JavaScript expression"}            -> its value
//   {"do": "wait", "script": "JavaScript expression", "ms": 10000}   -> its first truthy value
//   {"do": "click", "selector": "..."}
//   {"do": "screenshot", "path": "..."}
//   {"do": "messages"}                                               -> console errors and uncaught exceptions so far
//
// The answer is {"ok": value} or {"error": text}. The end of the input ends the browser.
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const PATIENCE_MS = 30_000;

const [executablePath, userDataDir] = process.argv.slice(2);
const context = await chromium.launchPersistentContext(userDataDir, {
  executablePath,
  headless: true,
  args: [
    '--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync',
    // The map needs WebGL; without a graphics card it is drawn in software.
    '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader',
  ],
});
const page = context.pages()[0] ?? (await context.newPage());
const messages = [];
page.on('console', (message) => {
  if (message.type() === 'error') messages.push(message.text());
});
page.on('pageerror', (error) => messages.push(String(error)));

const actions = {
  open: async ({ url, width = 1280, height = 800 }) => {
    await page.setViewportSize({ width, height });
    const answer = await page.goto(url, { timeout: PATIENCE_MS });
    return answer?.status() ?? null;
  },
  evaluate: ({ script }) => page.evaluate(script),
  wait: async ({ script, ms = PATIENCE_MS }) => {
    const handle = await page.waitForFunction(script, undefined, { timeout: ms, polling: 50 });
    return handle.jsonValue();
  },
  click: ({ selector }) => page.click(selector, { timeout: PATIENCE_MS }),
  screenshot: async ({ path }) => {
    await page.screenshot({ path, timeout: PATIENCE_MS });
    return path;
  },
  messages: async () => messages,
};

// Whoever gives the orders is gone, perhaps in the middle of one.
process.stdin.on('close', () => setTimeout(() => process.exit(1), 3000));

const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
say({ ok: 'ready' });
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  try {
    say({ ok: (await actions[order.do](order)) ?? null });
  } catch (error) {
    say({ error: String(error) });
  }
}
await context.close();
process.exit(0);
