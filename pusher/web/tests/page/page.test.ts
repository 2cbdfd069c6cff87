// The built page in a real browser, over a simulated sky.
import { expect } from 'vitest';
import { startSky } from '../sky.mjs';
import type { Hooks } from '../../src/hooks';
import { aircraft, objects, removal } from '../../../../clients/web/tests/wire.js';
import { pageTest, placeLater, STEP, VIEW, Visit } from './open';

declare const window: { updraft?: Hooks };

const it = pageTest();

it('shows and moves aircraft, and uses only its own server', async ({ page, visit }) => {
  await visit.open();
  const counts = await page.evaluate(() => window.updraft!.counts());
  expect(counts).toMatchObject({ ground: 7, thermals: 14, stations: 11, alerts: 3 });
  expect(counts.aircraft).toBeGreaterThan(80);
  await page.waitForFunction(() => window.updraft!.moved() > 200, undefined, STEP);
  const [first] = await page.evaluate(() => window.updraft!.aircraft());
  expect(first?.device).toMatch(/^[0-9A-F]{6}$/);
});

it('finds a pilot by name, opens and closes the details', async ({ page, visit }) => {
  await visit.open();
  await page.waitForSelector('.row', STEP);
  await page.keyboard.press('/');
  await page.keyboard.type('urs 3');
  await page.waitForFunction(() => document.querySelectorAll('.rows:not([hidden]) .row').length === 1, undefined, STEP);
  await page.click('.row');
  await page.waitForSelector('#card:not([hidden]) >> text=Manufacturer', STEP);
  await expect.poll(() => page.textContent('#card h2')).toBe('Urs 3');
  await expect.poll(() => page.textContent('#card dl')).toMatch(/Altitude\d+ m/);
  await expect.poll(() => page.textContent('[data-fact="fact.receivedBy"] dd')).toBe('ogn-be-1 (-97 dBm, SNR 7 dB), ogn-be-4 (-109 dBm)');
  await page.keyboard.press('Escape');
  await page.waitForSelector('#card', { ...STEP, state: 'hidden' });
});

it('breaks the latency down hop by hop', async ({ page, visit }) => {
  await visit.open();
  // The version in the details must have come as an update.
  await page.waitForFunction(() => window.updraft!.moved() > 300, undefined, STEP);
  await page.click('.row', STEP);
  await page.waitForSelector('.way:not([hidden]) summary', STEP);
  await expect.poll(() => page.textContent('.way summary')).toMatch(/^Latency from the bridge: \d+(\.\d)? m?s$/);
  await page.click('.way summary');
  const hops = await page.$$eval('.way dd', (all) => all.map(({ textContent }) => textContent));
  expect(hops.slice(0, 3)).toEqual([expect.stringMatching(/^at most (\d+ ms|1\.\d s)$/), '25 ms', '12 ms']);
  await page.waitForFunction(() => /^\d/.test([...document.querySelectorAll('.way dd')].at(-1)!.textContent!), undefined, STEP);
  const widths = await page.$$eval('.way .bar i:not([hidden])', (all) => all.map((one) => one.getBoundingClientRect().width));
  expect(widths.length).toBeGreaterThan(2);
  expect(Math.min(...widths)).toBeGreaterThan(0);
});

it('draws on where a part of it fails, and says so once', async ({ page, visit, expected }) => {
  expected.push(/a part of the page cannot be drawn.*no title/);
  await visit.open();
  await page.evaluate(() => Object.defineProperty(document, 'title', { get: () => 'old', set: () => { throw new Error('no title'); } }));
  await page.waitForSelector('.banner.hint >> text=Part of the page cannot be drawn now.', STEP);
  const moved = await page.evaluate(() => window.updraft!.moved());
  await page.waitForFunction((start) => window.updraft!.moved() > start + 200, moved, STEP);
  // Also what an event draws.
  await page.click('.row', STEP);
  await page.waitForSelector('#card:not([hidden])', STEP);
  expect(visit.complaints).toHaveLength(1);
});

it('says that details cannot be loaded, and shows them once they can', async ({ page, visit, expected }) => {
  expected.push(/ERR_FAILED/);
  await page.route(/assets\/card-/, (route) => route.abort('failed'));
  await visit.open(`${VIEW}&device=110B00`);
  await page.waitForSelector('.banner.hint >> text=This part of the page cannot be loaded now. Open it again.', STEP);
  await page.waitForFunction(() => window.updraft!.moved() > 0, undefined, STEP);
  await page.unroute(/assets\/card-/);
  await page.waitForSelector('#card:not([hidden]) h2', STEP);
});

it('finds an aircraft outside of the view, and moves there', async ({ page, visit }) => {
  await visit.open();
  await page.keyboard.press('/');
  await page.keyboard.type('zora');
  await page.waitForSelector('.row.other', STEP);
  // Several may have one name.
  await expect.poll(() => page.innerText('.row.other')).toMatch(/^Zora Fern\n+0A0B0C · Hang glider$/);
  await page.click('.row.other >> text=Zora Fern', STEP);
  await page.waitForFunction(() => /map=[^&]*\/44\.\d+\/5\.\d+/.test(location.hash) && location.hash.includes('device=0A0B0C'), undefined, STEP);
  expect(visit.requests.filter((url) => url.includes('/api/v1/search'))).toHaveLength(1);
});

it('shows address and kind of found aircraft', async ({ page, sky, visit }) => {
  await visit.open();
  const twins = [0x0a0b01, 0x0a0b02].map((device, i) => aircraft({ device, name: 'Twin', version: 5, latitude_e7: 466_200_000 + i * 100_000, longitude_e7: 78_500_000, kind_and_phase: 2 + i + 32 * 2 }));
  sky.broadcast({ updates: { server_at_us: Date.now() * 1000, objects: objects({ aircraft: twins }), removals: [] } });
  await page.keyboard.press('/');
  await page.keyboard.type('twin');
  await page.waitForFunction(() => document.querySelectorAll('.rows:not([hidden]) .row').length === 2, undefined, STEP);
  expect((await page.$$eval('.rows:not([hidden]) .row .detail', (all) => all.map(({ textContent }) => textContent!))).sort()).toEqual([expect.stringMatching(/^0A0B01 · Paraglider/), expect.stringMatching(/^0A0B02 · Hang glider/)]);
});

it('shows the age of the last fix, and labels an estimate', async ({ page, sky, visit }) => {
  await visit.open();
  const [first] = await page.evaluate(() => window.updraft!.aircraft());
  sky.sky.silence(parseInt(first!.device, 16));
  await page.evaluate((device) => { location.hash = `map=9/46.62/7.85&device=${device}`; }, first!.device);
  await page.reload();
  await visit.live();
  await page.waitForSelector('[data-fact="fact.estimate"]', STEP);
  const heard = await page.textContent('[data-fact="fact.position"] dd');
  const known = await page.evaluate((device) => window.updraft!.aircraft().find((one) => one.device === device), first!.device);
  expect(heard).toContain(known!.lat.toFixed(5));
  // Beyond 12 s no estimate is shown any more, and the age continues.
  await page.waitForSelector('[data-fact="fact.estimate"]', { ...STEP, state: 'detached' });
  await expect.poll(() => page.textContent('[data-fact="fact.position"] dd')).toBe(heard);
  await expect.poll(() => page.textContent('[data-fact="fact.heard"] dd')).toMatch(/^[1-5]\d s ago, \d\d:\d\d:\d\d$/);
  await expect.poll(() => page.getAttribute('#card a.action', 'href')).toBe(`geo:${known!.lat.toFixed(6)},${known!.lon.toFixed(6)}`);
});

it('shows the track of the selection, and links to its files', async ({ page, visit }) => {
  await visit.open();
  await expect.poll(() => page.evaluate(() => window.updraft!.track())).toEqual([]);
  await page.click('.row', STEP);
  await page.waitForFunction(() => window.updraft!.track().join() === '20,30', undefined, STEP);
  const requested = visit.requests.find((url) => url.includes('/api/v1/track/'));
  expect(requested).toMatch(/track\/[0-9A-F]{6}\?hours=12&max_points=2000$/);
  // The profile has the colours of the climb.
  await page.waitForSelector('.profile .climbs path[stroke]', { ...STEP, state: 'attached' });
  const links = await page.$$eval('.files a', (all) => all.map((link) => [link.textContent, link.getAttribute('href')]));
  expect(links.map(([text]) => text)).toEqual(['GPX', 'IGC', 'KML', 'GEOJSON', 'CSV', 'JSON']);
  expect(links[1]?.[1]).toMatch(/^\.\/api\/v1\/track\/[0-9A-F]{6}\?hours=12&format=igc$/);
  // A flight of the last days replaces the last hours, in the files too.
  await page.click('.flights summary');
  await expect.poll(() => page.$$('.flight')).toHaveLength(2);
  await page.click('.flight >> nth=0');
  await page.waitForSelector('.flight[aria-pressed=true] >> text=41.2 km', STEP);
  await expect.poll(() => visit.requests.some((url) => /track\/[0-9A-F]{6}\?from=[^&]+Z&to=[^&]+Z&max_points=2000$/.test(url))).toBe(true);
  await page.waitForFunction(() => /from=.*&to=.*&format=gpx$/.test(document.querySelector('.files a')!.getAttribute('href')!), undefined, STEP);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => window.updraft!.track().length === 0, undefined, STEP);
});

it('follows a pilot with the map, and links to that state', async ({ page, visit }) => {
  await visit.open();
  await page.click('.row', STEP);
  await page.click('text=Follow', STEP);
  await page.waitForSelector('.row.followed', STEP);
  await page.waitForFunction((start) => location.hash.split('&')[0] !== start, VIEW, STEP);
  const before = await page.evaluate(() => location.hash);
  await page.waitForFunction((start) => location.hash !== start, before, STEP);
  const name = await page.textContent('#card h2');
  await page.reload();
  await visit.live();
  await page.waitForSelector('.row.followed', STEP);
  await expect.poll(() => page.textContent('#card h2')).toBe(name);
});

it('stays where the arrow keys move it while a pilot is followed', async ({ page, visit }) => {
  await visit.open();
  await page.click('.row', STEP);
  await page.click('text=Follow', STEP);
  await page.waitForFunction((start) => location.hash.split('&')[0] !== start, VIEW, STEP);
  await page.focus('canvas.maplibregl-canvas');
  await page.keyboard.press('ArrowRight');
  const at = await placeLater(page);
  expect(await placeLater(page)).toBe(at);
});

it('says that a dialog cannot be loaded, and opens it later', async ({ page, visit, expected }) => {
  expected.push(/ERR_FAILED/);
  const code = /assets\/(data-view|silent|compare)-/;
  await page.route(code, (route) => route.abort('failed'));
  await visit.open(`${VIEW}&group=110B00`);
  await page.waitForSelector('.row', STEP);
  const failed = (state: 'visible' | 'hidden') => page.waitForSelector('.banner.hint >> text=This part of the page cannot be loaded now. Open it again.', { ...STEP, state });
  await page.keyboard.press('d');
  await failed('visible');
  await failed('hidden');
  await page.keyboard.press('u');
  await failed('visible');
  await failed('hidden');
  await page.keyboard.press('g');
  await page.click('text=Compare altitudes');
  await failed('visible');
  await page.unroute(code);
  await page.click('text=Compare altitudes');
  await page.waitForSelector('#compare[open]', STEP);
});

it('filters list and map by the address, and shows one number', async ({ page, visit }) => {
  await visit.open(`${VIEW}&filter=kind:5,climbing`);
  await page.waitForFunction(() => window.updraft!.drawn().length > 0, undefined, STEP);
  await page.waitForFunction(() => document.querySelector('h1 .count')?.textContent === document.querySelector('[data-tab=air] .count')?.textContent, undefined, STEP);
  const count = Number(await page.textContent('h1 .count'));
  const drawn = await page.evaluate(() => window.updraft!.drawn().length);
  expect(drawn).toBeGreaterThan(0);
  expect(drawn).toBeLessThan(12);
  expect(count).toBeLessThanOrEqual(drawn);
  // How many are hidden is always in sight, and one click shows them again.
  await expect.poll(async () => Number((await page.textContent('.banner.filtered span'))!.match(/^Hidden by the filter: (\d+)$/)?.[1])).toBeGreaterThan(70);
  await page.click('.banner.filtered >> text=Show all');
  await page.waitForFunction(() => window.updraft!.drawn().length > 80, undefined, STEP);
  await expect.poll(() => page.evaluate(() => location.hash)).not.toContain('filter');
  await expect.poll(() => page.isVisible('.banner.filtered')).toBe(false);
});

it('filters kinds on the ground by keyboard', async ({ page, visit }) => {
  await visit.open();
  await page.waitForFunction(() => window.updraft!.shown('ground').length === 7, undefined, STEP);
  await page.keyboard.press('k');
  await expect.poll(() => page.evaluate(() => document.activeElement?.closest('#filter') !== null)).toBe(true);
  await page.focus('#filter [role=group][aria-label="On the ground"] .chip >> text=Vehicle');
  await page.keyboard.press('Enter');
  // Calls for help and for a ride stay.
  await page.waitForFunction(() => window.updraft!.shown('ground').length === 4, undefined, STEP);
  await expect.poll(() => page.evaluate(() => location.hash)).toContain('filter=ground:3');
  await expect.poll(() => page.textContent('.banner.filtered span')).toBe('Hidden by the filter: 3');
  await page.keyboard.press('x');
  await page.waitForFunction(() => window.updraft!.shown('ground').length === 7, undefined, STEP);
});

it('lists hundreds of objects in order, with few rows in the DOM', async ({ browser }) => {
  const sky = await startSky({ count: 900 });
  const visit = await Visit.start(browser, sky);
  const { page } = visit;
  await visit.open('#map=8.4/46.62/7.85');
  await page.waitForSelector('.row', STEP);
  const count = Number(await page.textContent('h1 .count'));
  expect(count).toBeGreaterThan(700);
  // At one moment: rows that are looked up first may have left the list when they are read.
  const shown = () => page.evaluate(() => [...document.querySelectorAll('.rows:not([hidden]) .item')]
    .map((item) => ({ at: Number(item.getAttribute('aria-posinset')), of: Number(item.getAttribute('aria-setsize')), altitude: parseInt(item.querySelector('.altitude')!.textContent!, 10) }))
    .sort((a, b) => a.at - b.at));
  const first = await shown();
  expect(first.length).toBeLessThan(40);
  expect(Math.abs(first[0]!.of - count)).toBeLessThan(20);
  for (const rows of [first]) expect(rows.map(({ altitude }) => altitude)).toEqual(rows.map(({ altitude }) => altitude).sort((a, b) => b - a));
  await page.$eval('.rows:not([hidden])', (rows) => { rows.scrollTop = rows.scrollHeight; });
  await page.waitForFunction((all) => [...document.querySelectorAll('.rows:not([hidden]) .item')].some((item) => Number(item.getAttribute('aria-posinset')) > all), count - 30, STEP);
  await visit.end();
  sky.close();
});

it('subscribes receivers once they are switched on', async ({ page, sky, visit }) => {
  await visit.open();
  await page.click('button[aria-label=Layers]');
  await expect.poll(() => page.isChecked('[name=receivers]')).toBe(false);
  const [message] = await Promise.all([sky.nextSubscribe(), page.click('label:has([name=receivers])')]);
  expect(message.kinds).toContain(5);
});

it('shows the coverage of a receiver, and the wind of a station', async ({ page, visit }) => {
  await visit.open(`${VIEW.replace('9/', '9.5/')}&hide=aircraft,ground,thermals,trails`);
  const spot = (layer: string, id: string) => page.evaluate(([name, label]) => window.updraft!.spot(name!, label!), [layer, id]);
  await page.waitForFunction(() => window.updraft!.spot('receivers', 'ogn-be-1') !== undefined, undefined, STEP);
  await page.waitForFunction(() => window.updraft!.spot('stations', 'Niesen') !== undefined, undefined, STEP);
  const click = async (layer: string, id: string) => {
    const { x, y } = (await spot(layer, id))!;
    await page.mouse.click(x, y);
  };
  await click('receivers', 'ogn-be-1');
  await page.waitForSelector('[data-fact="fact.clock"] >> text=off by more than 10 s (+34 s)', STEP);
  await page.waitForFunction(() => window.updraft!.shown('receivers-coverage').length > 0, undefined, STEP);
  await expect.poll(() => page.textContent('[data-fact="fact.unusable"] dd')).toBe('100 (10.0 %)');
  await expect.poll(() => page.textContent('[data-fact="fact.setAside"] dd')).toMatch(/^since .* · incomplete \(truncated_payload\)$/);
  await page.keyboard.press('Escape');
  await click('stations', 'Niesen');
  await page.waitForSelector('svg.station:not([hidden])', STEP);
  await expect.poll(() => page.getAttribute('svg.station', 'aria-label')).toBe('Wind and gusts of the last 12 h, at most 32 km/h · Temperature 4.0 °C – 12.0 °C');
  // The numbers are there to see, too.
  await page.waitForSelector('#card p:visible >> text=at most 32 km/h', STEP);
});

it('shows a distress call until it ends', async ({ page, sky, visit }) => {
  await visit.open();
  await page.waitForSelector('.beacon', STEP);
  await page.waitForSelector('.alerts >> text=Distress call: device 110206', STEP);
  const text = await page.textContent('.alerts');
  expect(text).toContain('cannot tell whether help is on its way');
  sky.broadcast({ updates: { server_at_us: 0, objects: objects({}), removals: [removal({ object_kind: 6, record_id: '3-777', id: 'record_id', version: 9 })] } });
  await page.waitForSelector('.beacon', { ...STEP, state: 'detached' });
  await page.waitForSelector('.alerts', { ...STEP, state: 'hidden' });
});

it('lists calls for a ride with the nearest helpers', async ({ page, visit }) => {
  await visit.open();
  await page.click('.banner.calm', STEP);
  await expect.poll(() => page.textContent('.banner.calm')).toBe('Open calls for a ride or support: 2 · Show the list');
  await page.waitForFunction(() => document.querySelectorAll('.rows:not([hidden]) .row').length === 3, undefined, STEP);
  await page.click('.row:has-text("Needs a ride")');
  await page.waitForSelector('[data-fact="fact.nearest"]', STEP);
  await expect.poll(() => page.textContent('[data-fact="fact.nearest"] dd')).toMatch(/^\S.* \d+\.\d km/);
  await page.click('[data-tab=ground]');
  await page.waitForFunction(() => document.querySelectorAll('.rows:not([hidden]) .row').length > 0, undefined, STEP);
  await expect.poll(() => page.textContent('.rows:not([hidden]) .item[aria-posinset="1"]')).not.toContain('Landed');
});

it('shows when data is stale, and when it is not any more', async ({ page, sky, visit }) => {
  await visit.open();
  sky.broadcast({ updates: { server_at_us: 0, removals: [], stale: true } });
  await page.waitForSelector('.banner.stale >> text=no fresh data', STEP);
  sky.broadcast({ updates: { server_at_us: 0, removals: [], stale: false } });
  await page.waitForSelector('.banner.stale', { ...STEP, state: 'hidden' });
});

it('keeps the picture without a server, reconnects on click', async ({ expected, page, sky, visit }) => {
  // MapLibre says no more than `Error` of a tile that was on its way.
  expected.push(/ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|WebSocket|cannot be shown|Failed to fetch|fetching the script/, /^Error$/);
  await page.addInitScript(() => {
    const page = globalThis as never as { attempts: number };
    page.attempts = 0;
    const { WebSocket } = globalThis;
    globalThis.WebSocket = new Proxy(WebSocket, { construct: (target, given: [string]) => { page.attempts++; return new target(...given); } });
  });
  await visit.open();
  const port = Number(new URL(sky.url).port);
  sky.close();
  await page.waitForSelector('.banner.stale >> text=/Connection lost. Last data at \\d\\d:\\d\\d:\\d\\d/', STEP);
  await expect.poll(() => page.evaluate(() => window.updraft!.counts().aircraft)).toBeGreaterThan(80);
  // A click reconnects at once, not at the next attempt: within the same turn of the event loop, in which no timer runs.
  await page.waitForFunction(async () => {
    const page = globalThis as never as { attempts: number };
    const before = page.attempts;
    document.querySelector<HTMLElement>('.retry')!.click();
    for (let microtask = 0; microtask < 20; microtask++) await undefined;
    return page.attempts === before + 1;
  }, undefined, STEP);
  const back = await startSky({ port });
  await visit.live();
  await page.waitForSelector('.banner.stale', { ...STEP, state: 'hidden' });
  back.close();
});

it('announces only new calls to screen readers', async ({ page, sky, visit }) => {
  await visit.open();
  await page.waitForFunction(() => document.querySelector('[role=alert]')?.textContent?.includes('Distress call'), undefined, STEP);
  await page.evaluate(() => {
    const changes: string[] = (globalThis as never as { changes: string[] }).changes = [];
    for (const region of document.querySelectorAll('[aria-live], [role=alert], [role=status], [role=log]')) {
      new MutationObserver((records) => changes.push(...records.map(({ target }) => target.textContent ?? ''))).observe(region, { childList: true, characterData: true, subtree: true });
    }
  });
  const before = await page.evaluate(() => window.updraft!.moved());
  await page.waitForFunction((start) => window.updraft!.moved() > start + 400, before, STEP);
  expect(await page.evaluate(() => (globalThis as never as { changes: string[] }).changes)).toEqual([]);
  sky.broadcast({ updates: { server_at_us: 0, removals: [], objects: objects({ alerts: [{ alert_id: '3-900' as never, device: 0x110201, alert_kind: 9, status: 1, opened_at_us: Date.now() * 1000, unverified: false, version: 1, age_ds: 0 }] }) } });
  await page.waitForFunction(() => document.querySelector('[role=status]')?.textContent === 'Needs a ride: device 110201', undefined, STEP);
});

it('shows a part of a view beyond the limit of the server', async ({ page, sky, visit }) => {
  await visit.open('#map=3/46.6/8');
  await page.waitForSelector('.banner.hint >> text=Live within 1000 km', STEP);
  const message = await Promise.race([sky.nextSubscribe(), page.evaluate(() => { location.hash = 'map=3/40/20'; }).then(() => sky.nextSubscribe())]);
  const { south_deg, north_deg } = message.bounds!;
  expect((north_deg - south_deg) * 111).toBeGreaterThan(1500);
  await expect.poll(() => page.evaluate(() => window.updraft!.counts().aircraft)).toBeGreaterThan(80);
});

it('loads no style that the server does not name', async ({ page, visit }) => {
  await visit.open(VIEW, '?style=https://elsewhere.example/style.json');
  await page.waitForFunction(() => window.updraft!.moved() > 0, undefined, STEP);
});

it('spreads aircraft that fly at one position', async ({ page, visit }) => {
  await visit.open('#map=8/46.62/7.85');
  await page.waitForFunction(() => window.updraft!.moved() > 1500, undefined, STEP);
  const near = await page.evaluate(() => {
    const drawn = window.updraft!.drawn();
    return drawn.filter((a) => drawn.some((b) => b.device > a.device && Math.hypot(a.x - b.x, a.y - b.y) < 12)).length / drawn.length;
  });
  expect(near).toBeLessThan(0.1);
});
