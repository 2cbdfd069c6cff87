// Shared by the page's browser tests: Chromium, a simulated sky, and checks that hold for every open page.
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Hooks } from '../../src/hooks';
import { startSky } from '../sky.mjs';

declare const window: { updraft?: Hooks };

export type SkyServer = Awaited<ReturnType<typeof startSky>>;

export const VIEW = '#map=9/46.62/7.85';
/** Drawing without a graphics card takes long. */
export const STEP = { timeout: 60_000 };
export const DESKTOP = { width: 1200, height: 760 };
export const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

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
    return new Visit(await browser.newPage({ locale: 'en-GB', ...options }), sky);
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
