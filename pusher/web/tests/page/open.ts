// Shared by the page's browser tests: Chromium, a simulated sky, and checks that hold for every open page.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { Hooks } from '../../src/hooks';
import { launch } from '../browser.mjs';
import { startSky } from '../sky.mjs';

declare const window: { updraft?: Hooks };

export type SkyServer = Awaited<ReturnType<typeof startSky>>;

export const VIEW = '#map=9/46.62/7.85';
/** Drawing without a graphics card takes long. */
export const STEP = { timeout: 60_000 };
export const DESKTOP = { width: 1200, height: 760 };
export const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Time between two pictures, ms: enough for every test. Without a graphics card drawing takes the processor from the other suites. */
const FRAME_MS = 250;

/** Runs in the page: its animation frames come at most so often. */
function drawLessOften(frameMs: number): void {
  const draw = globalThis.requestAnimationFrame.bind(globalThis);
  const cancel = globalThis.cancelAnimationFrame.bind(globalThis);
  const waiting = new Map<number, { timer?: ReturnType<typeof setTimeout>; frame?: number }>();
  let [last, drawnAt] = [0, -Infinity];
  globalThis.requestAnimationFrame = (callback) => {
    last += 1;
    const id = last;
    const frame = (time: number) => {
      waiting.delete(id);
      drawnAt = performance.now();
      callback(time);
    };
    const timer = setTimeout(() => waiting.set(id, { frame: draw(frame) }), Math.max(0, drawnAt + frameMs - performance.now()));
    waiting.set(id, { timer });
    return id;
  };
  globalThis.cancelAnimationFrame = (id) => {
    const { timer, frame } = waiting.get(id) ?? {};
    waiting.delete(id);
    clearTimeout(timer);
    if (frame !== undefined) cancel(frame);
  };
}

/** The rules of axe that the page breaks, with the elements. The page must have been opened with `bypassCSP`: its policy allows no injected script. */
export async function axeViolations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return await page.evaluate(async () => {
    const { axe } = globalThis as never as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> } };
    return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`);
  });
}

/** Part of a picture, pixels. */
export interface Box { x: number; y: number; width: number; height: number }

/** How many colours a part of a picture has. */
export function coloursIn(page: Page, picture: Buffer, { x, y, width, height }: Box): Promise<number> {
  return page.evaluate(async ([bytes, box]) => {
    const image = await createImageBitmap(new Blob([new Uint8Array(bytes!)]), ...box as [number, number, number, number]);
    const drawing = new OffscreenCanvas(image.width, image.height).getContext('2d')!;
    drawing.drawImage(image, 0, 0);
    return new Set(new Uint32Array(drawing.getImageData(0, 0, image.width, image.height).data.buffer)).size;
  }, [[...picture], [x, y, width, height]] as const);
}

/** Where the map is by its address, once it was drawn several more times: a followed pilot moves it with each. */
export async function placeLater(page: Page): Promise<string> {
  const moved = await page.evaluate(() => window.updraft!.moved());
  await page.waitForFunction((before) => window.updraft!.moved() > before + 500, moved, STEP);
  return (await page.evaluate(() => location.hash)).split('&')[0]!;
}

/** One open page, and its errors. */
export class Visit {
  readonly page: Page;
  readonly sky: SkyServer;
  readonly requests: string[] = [];
  readonly complaints: string[] = [];

  private constructor(page: Page, sky: SkyServer) {
    this.page = page;
    this.sky = sky;
    page.setDefaultTimeout(STEP.timeout);
    page.on('request', (request) => this.requests.push(request.url()));
    page.on('requestfailed', (request) => {
      // The map cancels requests for tiles that left the view.
      const why = request.failure()?.errorText;
      if (why !== 'net::ERR_ABORTED') this.complaints.push(`${request.url()} ${why}`);
    });
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()) && !message.text().includes('GPU stall')) this.complaints.push(message.text());
    });
  }

  static async start(browser: Browser, sky: SkyServer, options: BrowserContextOptions = { viewport: DESKTOP }): Promise<Visit> {
    // A quarter of the pixels, since a processor draws them, and no pulsing, which takes 60 pictures a second; the layout stays the same.
    const page = await browser.newPage({ locale: 'en-GB', deviceScaleFactor: 0.5, reducedMotion: 'reduce', ...options });
    await page.addInitScript(drawLessOften, FRAME_MS);
    return new Visit(page, sky);
  }

  /** Opens the page and waits until it is live. */
  async open(hash = VIEW, search = ''): Promise<void> {
    await this.page.goto(`${this.sky.url}${search}${hash}`);
    await this.live();
  }

  async live(): Promise<void> {
    await this.page.waitForFunction(() => window.updraft?.connected(), undefined, STEP);
  }

  /** Checks that there was no error and no request to another host. `expected`: errors that the test caused on purpose; `hosts`: of its other servers. */
  async end(expected: RegExp[] = [], hosts: string[] = []): Promise<void> {
    await this.page.close();
    expect(this.complaints.filter((text) => !expected.some((one) => one.test(text)))).toEqual([]);
    const own = [new URL(this.sky.url).host, ...hosts];
    expect(this.requests.filter((url) => /^(https?|wss?):/.test(url) && !own.includes(new URL(url).host))).toEqual([]);
  }
}

interface OnePage {
  browser: Browser;
  sky: SkyServer;
  visit: Visit;
  page: Page;
  /** Errors that the test causes on purpose. */
  expected: RegExp[];
}

/** Tests of one page over a fresh sky, which must report no other error than the expected ones. `options`: of the page of every test; `browserOptions`: of `launch`. */
export function pageTest(options: BrowserContextOptions = { viewport: DESKTOP }, browserOptions: { notifications?: boolean } = {}) {
  return test.extend<OnePage>({
    browser: [async ({}, use) => {
      const browser = await launch(browserOptions);
      await use(browser);
      await browser.close();
    }, { scope: 'file' }],
    expected: async ({}, use) => use([]),
    sky: async ({}, use) => {
      const sky = await startSky();
      await use(sky);
      sky.close();
    },
    visit: async ({ browser, sky, expected }, use) => {
      const visit = await Visit.start(browser, sky, options);
      await use(visit);
      await visit.end(expected);
    },
    page: async ({ visit }, use) => use(visit.page),
  });
}
