import { describe, expect, it, vi } from 'vitest';
import { aircraft, DEVICE, ground, objects, present, removal } from '../tests/wire.js';
import { AirPicture } from './picture.js';

const ARRIVAL = { now: 1_000_000, connection: 1 };
const GROUND = 2;
const ELSEWHERE = { latitude_e7: 100_000_000, longitude_e7: 100_000_000 };

function pictureOf(...updates: Parameters<typeof aircraft>[0][]): AirPicture {
  const picture = new AirPicture();
  for (const update of updates) picture.put(objects({ aircraft: [aircraft(update)] }), ARRIVAL);
  return picture;
}

describe('versions', () => {
  it('ignores an older version', () => {
    const picture = pictureOf({ version: 10, altitude_m: 1000 }, { version: 9, altitude_m: 900 });
    expect(picture.aircraft.get(DEVICE)?.altitudeM).toBe(1000);
  });

  it('takes the same version again', () => {
    expect(pictureOf({ version: 10, age_ds: 0 }, { version: 10, age_ds: 50 }).aircraft.get(DEVICE)?.at).toBe(ARRIVAL.now - 5000);
  });

  it('keeps a name that an update leaves out', () => {
    expect(pictureOf({ version: 1, name: 'Anna' }, { version: 2 }).aircraft.get(DEVICE)?.name).toBe('Anna');
  });

  it('unpacks kind, phase and alert', () => {
    expect(pictureOf({ kind_and_phase: 7 + 32 * 3 + 1024 * 15 }).aircraft.get(DEVICE)).toMatchObject({ kind: 7, phase: 3, alert: 15 });
  });
});

describe('removals', () => {
  it('end an object, and a late older update does not bring it back', () => {
    const picture = pictureOf({ version: 10 });
    picture.remove(removal({ version: 12 }));
    picture.put(objects({ aircraft: [aircraft({ version: 12 })] }), ARRIVAL);
    expect(picture.aircraft.size).toBe(0);
    picture.put(objects({ aircraft: [aircraft({ version: 13 })] }), ARRIVAL);
    expect(picture.aircraft.size).toBe(1);
  });

  it('do not end a newer state', () => {
    const picture = pictureOf({ version: 10 });
    picture.remove(removal({ version: 9 }));
    expect(picture.aircraft.size).toBe(1);
  });

  it('count by the highest tombstone', () => {
    const picture = pictureOf({ version: 10 });
    picture.remove(removal({ version: 20 }));
    picture.remove(removal({ version: 15 }));
    picture.put(objects({ aircraft: [aircraft({ version: 18 })] }), ARRIVAL);
    expect(picture.aircraft.size).toBe(0);
  });

  it('remove thermals, alerts and receivers by their own ids', () => {
    const picture = new AirPicture();
    const position = { latitude_e7: 0, longitude_e7: 0, version: 1, age_ds: 0 };
    picture.put(objects({
      thermals: [{ ...position, thermal_id: '1-2', base_altitude_m: 0, top_altitude_m: 0, mean_climb_cmps: 0, max_climb_cmps: 0, quality: 3, radius_m: 200, pilots: 1 }],
      alerts: [{ ...position, alert_id: '3-4', device: DEVICE, alert_kind: 15, status: 1, opened_at_us: 0, unverified: false }],
      receivers: [{ receiver_id: 'r1', frames_per_minute: 1, estimated: false, version: 1, age_ds: 0 }],
    }), ARRIVAL);
    picture.remove(removal({ object_kind: 3, record_id: '1-2', version: 2 }));
    picture.remove(removal({ object_kind: 6, record_id: '3-4', version: 2 }));
    picture.remove(removal({ object_kind: 5, receiver_id: 'r1', version: 2 }));
    expect([picture.thermals.size, picture.alerts.size, picture.receivers.size]).toEqual([0, 0, 0]);
  });
});

describe('a device that lands', () => {
  it.each(['removal first', 'removal last'])('is a ground object and no aircraft, %s', (order) => {
    const picture = pictureOf({ version: 10 });
    if (order === 'removal first') picture.remove(removal({ version: 11 }));
    picture.put(objects({ ground: [ground({ version: 11 })] }), ARRIVAL);
    if (order === 'removal last') picture.remove(removal({ version: 11 }));
    expect([picture.aircraft.size, picture.ground.size]).toEqual([0, 1]);
  });

  it('is not an aircraft again because of a late update', () => {
    const picture = new AirPicture();
    picture.put(objects({ ground: [ground({ version: 11 })] }), ARRIVAL);
    picture.put(objects({ aircraft: [aircraft({ version: 10 })] }), ARRIVAL);
    expect([picture.aircraft.size, picture.ground.size]).toEqual([0, 1]);
  });

  it('takes off again', () => {
    const picture = new AirPicture();
    picture.put(objects({ ground: [ground({ version: 11 })] }), ARRIVAL);
    picture.put(objects({ aircraft: [aircraft({ version: 12 })] }), ARRIVAL);
    picture.remove(removal({ object_kind: GROUND, version: 12 }));
    expect([picture.aircraft.size, picture.ground.size]).toEqual([1, 0]);
  });
});

describe('cells', () => {
  it('drop an object that flies out, and show it again when it returns', () => {
    const picture = pictureOf({ version: 1 });
    picture.setCells(['u0']);
    picture.put(objects({ aircraft: [aircraft({ version: 2, ...ELSEWHERE })] }), ARRIVAL);
    expect(picture.aircraft.size).toBe(0);
    picture.put(objects({ aircraft: [aircraft({ version: 1 })] }), ARRIVAL);
    expect(picture.aircraft.size).toBe(0);
    picture.put(objects({ aircraft: [aircraft({ version: 3 })] }), ARRIVAL);
    expect(picture.aircraft.size).toBe(1);
  });

  it('let the snapshot of a region show the version that left before', () => {
    const picture = pictureOf({ version: 5 });
    picture.setCells(['ezs']);
    expect(picture.aircraft.size).toBe(0);
    picture.setCells(['u0']);
    picture.put(objects({ aircraft: [aircraft({ version: 5 })] }), ARRIVAL);
    expect(picture.aircraft.size).toBe(1);
  });

  it('do not remove a followed device until it is not followed any more', () => {
    const picture = new AirPicture();
    picture.setCells(['u0']);
    picture.setFollowed([DEVICE]);
    picture.put(objects({ aircraft: [aircraft(ELSEWHERE)] }), ARRIVAL);
    expect(picture.aircraft.size).toBe(1);
    picture.setFollowed([]);
    expect(picture.aircraft.size).toBe(0);
  });

  it('do not remove objects without a position', () => {
    const picture = new AirPicture();
    picture.setCells(['u0']);
    picture.put(objects({ receivers: [{ receiver_id: 'r1', frames_per_minute: 1, estimated: false, version: 1, age_ds: 0 }] }), ARRIVAL);
    expect(picture.receivers.size).toBe(1);
  });
});

describe('presence', () => {
  it('drops objects that ended while the client was disconnected', () => {
    const picture = pictureOf({ device: 1 }, { device: 2 });
    picture.keepPresent(present({ aircraft_devices: [2] }), 1);
    expect([...picture.aircraft.values()].map(({ device }) => device)).toEqual([2]);
  });

  it('keeps followed devices that this connection received, and no others', () => {
    const picture = pictureOf({ device: 1 }, { device: 2 });
    picture.setFollowed([1, 2]);
    picture.put(objects({ aircraft: [aircraft({ device: 2 })] }), { ...ARRIVAL, connection: 2 });
    picture.keepPresent(present(), 2);
    expect([...picture.aircraft.values()].map(({ device }) => device)).toEqual([2]);
  });
});

it('passes only shown states to its observer', () => {
  const observe = vi.fn();
  const picture = new AirPicture(observe);
  picture.setCells(['u0']);
  picture.put(objects({ aircraft: [aircraft({ version: 2 }), aircraft({ version: 1 }), aircraft({ version: 3, ...ELSEWHERE })] }), ARRIVAL);
  expect(observe).toHaveBeenCalledTimes(1);
  expect(observe.mock.calls[0]?.[0]).toMatchObject({ version: 2, lat: 46.6, lon: 8 });
});

it('forgets versions when cleared', () => {
  const picture = pictureOf({ version: 1000 });
  picture.clear();
  picture.put(objects({ aircraft: [aircraft({ version: 1 })] }), ARRIVAL);
  expect(picture.aircraft.size).toBe(1);
});
