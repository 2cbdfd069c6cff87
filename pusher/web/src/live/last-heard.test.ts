import { AirPicture } from 'updraft-client';
import { expect, it } from 'vitest';
import { aircraft, objects, removal } from '../../../../clients/web/tests/wire.js';
import { LastHeardPositions, lastOf } from './last-heard';

const AT = Date.UTC(2026, 6, 14, 14, 3);
const ADA = 0x110b90;
const none = new AirPicture();

function received(): AirPicture {
  const picture = new AirPicture();
  picture.put(objects({ aircraft: [aircraft({ device: ADA, name: 'Ada', latitude_e7: 466_000_000, longitude_e7: 80_000_000, age_ds: 0, version: 11 })] }), { now: AT, connection: 1 });
  return picture;
}

/** Lets answers come. */
const settled = () => new Promise((resolve) => setTimeout(resolve));

it('keeps where the page has received a device last', async () => {
  const asked: number[] = [];
  const last = new LastHeardPositions(async (device) => { asked.push(device); return undefined; });
  const picture = received();
  last.update([ADA], picture, AT, true);
  expect(asked).toEqual([]);
  picture.remove(removal({ device: ADA, version: 12 }));
  last.update([ADA], picture, AT + 1000, false);
  expect(asked).toEqual([]);
  last.update([ADA], picture, AT + 2000, true);
  await settled();
  expect([asked, last.of(ADA)]).toEqual([[ADA], { at: AT, lat: 46.6, lon: 8, name: 'Ada' }]);
});

it('takes the newer position of the history, and asks it again once a minute', async () => {
  let asked = 0;
  const last = new LastHeardPositions(async () => ({ at: AT + (asked++ === 0 ? -1000 : 1000), lat: 46.7, lon: 8.1 }));
  last.update([ADA], received(), AT, true);
  for (const now of [AT, AT + 59_000]) {
    last.update([ADA], none, now, true);
    await settled();
    expect([asked, last.of(ADA)?.lat]).toEqual([1, 46.6]);
  }
  last.update([ADA], none, AT + 60_000, true);
  await settled();
  expect(last.of(ADA)).toEqual({ at: AT + 1000, lat: 46.7, lon: 8.1, name: 'Ada' });
});

it('shows no position that the server hides', async () => {
  const last = new LastHeardPositions(async () => 'hidden');
  last.update([ADA], received(), AT, true);
  last.update([ADA], none, AT, true);
  await settled();
  expect(last.of(ADA)).toBeUndefined();
});

it('asks about few devices at the same time', async () => {
  const asked: number[] = [];
  const last = new LastHeardPositions(async (device) => { asked.push(device); return undefined; });
  last.update([1, 2, 3, 4, 5], none, AT, true);
  expect(asked).toEqual([1, 2, 3]);
  await settled();
  last.update([1, 2, 3, 4, 5], none, AT + 500, true);
  expect(asked).toEqual([1, 2, 3, 4, 5]);
});

it('reads the end of a track', () => {
  const point = (event_at_us: string, latitude_deg: number) => ({ event_at_us, latitude_deg, longitude_deg: 8 });
  expect(lastOf({ name: 'Ada', segments: [{ points: [point('1000', 45)] }, { points: [point('2000', 46), point('3000', 47)] }] })).toEqual({ at: 3, lat: 47, lon: 8, name: 'Ada' });
  expect([lastOf({}), lastOf({ segments: [] })]).toEqual([undefined, undefined]);
});
