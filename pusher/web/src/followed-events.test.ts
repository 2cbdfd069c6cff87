import { AirPicture } from 'updraft-client';
import { expect, it } from 'vitest';
import { aircraft, DEVICE, ground, objects, removal } from '../../../clients/web/tests/wire.js';
import { FollowedEvents, zoneEventsOf } from './followed-events';

const ARRIVAL = { now: 0, connection: 1 };
const PHASES = { ground: 1, flying: 2, circling: 3, landed: 4 };
let version = 1;

function bench() {
  const picture = new AirPicture();
  const events = new FollowedEvents();
  const look = () => events.update([DEVICE], picture).map((one) => (one.event === 'call' ? `${one.event} ${one.kind}` : one.event));
  return {
    picture, look,
    fly: (phase: keyof typeof PHASES) => {
      picture.put(objects({ aircraft: [aircraft({ kind_and_phase: 2 + 32 * PHASES[phase], version: version++ })] }), ARRIVAL);
      return look();
    },
    stand: (ground_kind: number, alert_kind = 0) => {
      picture.put(objects({ ground: [ground({ ground_kind, alert_kind, version: version++ })] }), ARRIVAL);
      return look();
    },
  };
}

it('reports a take-off and a landing once, and nothing of what it sees first', () => {
  const { fly, look } = bench();
  expect(look()).toEqual([]);
  expect(fly('ground')).toEqual([]);
  expect(fly('flying')).toEqual(['takeOff']);
  expect(fly('circling')).toEqual([]);
  expect(fly('landed')).toEqual(['landing']);
  expect(look()).toEqual([]);
});

it('takes a ground object as a landing, and its call for a ride with it', () => {
  const { fly, stand } = bench();
  fly('flying');
  expect(stand(9, 9)).toEqual(['landing', 'call 9']);
  expect(stand(9, 9)).toEqual([]);
  expect(stand(15, 15)).toEqual(['call 15']);
  expect(stand(10)).toEqual([]);
  expect(fly('flying')).toEqual(['takeOff']);
});

it('keeps what it knew of a device while that is not received', () => {
  const { fly, look, picture, stand } = bench();
  fly('flying');
  picture.remove(removal({ version: version++ }));
  expect(look()).toEqual([]);
  expect(stand(10)).toEqual(['landing']);
});

it('forgets a device that is not followed any more', () => {
  const { fly, picture } = bench();
  const events = new FollowedEvents();
  fly('ground');
  events.update([DEVICE], picture);
  events.update([], picture);
  fly('flying');
  expect(events.update([DEVICE], picture)).toEqual([]);
});

it('reports the zones of followed pilots alone', () => {
  const { picture } = bench();
  picture.put(objects({ aircraft: [aircraft({ name: 'Ada' })] }), ARRIVAL);
  const event = (device: number, event_kind: number) => ({ event_id: '', device, event_at_us: 0, event_kind, set: 'alps', zone_id: 'bern', zone_name: 'CTR Bern', zone_class: 'CTR', latitude_e7: 0, longitude_e7: 0 });
  const zone = { device: DEVICE, name: 'Ada', zone: 'CTR Bern', zoneId: 'alps/bern' };
  expect(zoneEventsOf([DEVICE], [event(DEVICE, 1), event(5, 1), event(DEVICE, 2)], picture)).toEqual([{ event: 'zoneEnter', ...zone }, { event: 'zoneLeave', ...zone }]);
});
