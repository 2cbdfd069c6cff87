// How long a jump into the past takes, from the click to its aircraft on the screen. `node benches/seek.mjs URL` prints `bench: NAME VALUE UNIT`
// of the pusher there, whose history has only aircraft with an address from 120000 to 12FFFF in the Bernese Alps, and which shows none live.
import { pathToFileURL } from 'node:url';
import { launch } from '../tests/browser.mjs';

export const VIEWPORT = { width: 1200, height: 760 };
const LIMIT = { timeout: 60_000 };
/** Where on the slider, of its length. */
const JUMPS = [0.2, 0.4, 0.6, 0.8, 0.3];

export const quantile = (values, share) => values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];

/** In the page: resolves with the time from the slider's next input, before the page knows of it, until an aircraft of the past, and none of the present, is on the screen. */
function timeOfSeek() {
  const slider = document.querySelector('#travel input[type=range]');
  const isPast = ({ device }) => device.startsWith('12');
  window.seek = new Promise((resolve) => {
    slider.addEventListener('input', () => {
      const began = performance.now();
      const look = () => {
        const drawn = window.updraft.drawn();
        const isShown = drawn.length > 0 && drawn.every(isPast) && drawn.some(({ device, x, y }) => window.updraft.aircraftAt(x, y).includes(device));
        if (isShown) resolve(performance.now() - began);
        else requestAnimationFrame(look);
      };
      look();
    }, { once: true, capture: true });
  });
}

/** The times of jumps to parts of the past that are not loaded yet, ms, and how many aircraft of the past were drawn in the end. `rounds`: how often to open a page and jump five times. */
export async function seek(browser, url, rounds = 1) {
  const times = [];
  let aircraft = 0;
  for (let round = 0; round < rounds; round++) {
    const page = await browser.newPage({ viewport: VIEWPORT });
    await page.goto(`${url}#map=9/46.62/7.85`);
    await page.waitForFunction(() => window.updraft?.connected(), undefined, LIMIT);
    await page.click('button[aria-label="Time travel"]');
    const slider = await page.waitForSelector('#travel input[type=range]', LIMIT);
    for (const part of JUMPS) {
      await page.waitForFunction(() => !window.updraft.drawn().some(({ device }) => device.startsWith('12')), undefined, LIMIT);
      await page.evaluate(timeOfSeek);
      const { x, y, width, height } = await slider.boundingBox();
      await page.mouse.click(x + (part + 0.007 * round) * width, y + height / 2);
      times.push(await page.evaluate(() => window.seek));
      aircraft = await page.evaluate(() => window.updraft.drawn().length);
      await page.click('#travel .live');
    }
    await page.close();
  }
  return { times, aircraft };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const browser = await launch();
  try {
    const { times, aircraft } = await seek(browser, process.argv[2], 4);
    console.log(`bench: map_seek_10_million_rows_aircraft ${aircraft} aircraft`);
    for (const [name, share] of [['p50', 0.5], ['p95', 0.95]]) console.log(`bench: map_seek_10_million_rows_${name}_ms ${quantile(times, share).toFixed(0)} ms`);
  } finally {
    await browser.close();
  }
}
