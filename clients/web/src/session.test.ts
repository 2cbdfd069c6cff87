import { describe, expect, it } from 'vitest';
import { aircraft, DEVICE, objects, present, removal, snapshot, updates, welcome } from '../tests/wire.js';
import { AirPicture } from './picture.js';
import { Session, type Effect } from './session.js';
import type { Subscription } from './subscription.js';

const HERE: Subscription = { region: { circle: { latitude_deg: 46.6, longitude_deg: 8, radius_km: 50 } }, kinds: [1, 2, 6], follow: [] };
const THERE: Subscription = { ...HERE, region: { circle: { latitude_deg: 46, longitude_deg: 7, radius_km: 50 } } };
const ONE = objects({ aircraft: [aircraft({ version: 10 })] });

/** A session with a clock that is moved by hand. */
class Bench {
  readonly picture = new AirPicture();
  readonly session = new Session(this.picture, () => 1);
  now = 1_000_000;

  want(subscription: Subscription): Effect[] {
    return this.session.want(subscription, this.now);
  }

  receive(...messages: Parameters<Session['received']>[0][]): Effect[] {
    return messages.flatMap((message) => this.session.received(message, this.now));
  }

  pass(ms: number): Effect[] {
    this.now += ms;
    return this.session.tick(this.now);
  }

  close(code = 1006): Effect[] {
    return this.session.closed(code, this.now);
  }

  /** Connected, with one aircraft in the snapshot. */
  static live(): Bench {
    const bench = new Bench();
    bench.want(HERE);
    bench.receive(welcome(), snapshot({ objects: ONE }));
    return bench;
  }
}

function queryOf(effects: Effect[]): URLSearchParams {
  const [effect] = effects;
  if (effect?.do !== 'connect') throw new Error(`no connection: ${JSON.stringify(effects)}`);
  return new URLSearchParams(effect.query);
}

function subscribes(effects: Effect[]) {
  return effects.flatMap((effect) => effect.do === 'send' && effect.message.subscribe ? [effect.message] : []);
}

describe('connecting', () => {
  it('requests the first view in the address', () => {
    const query = queryOf(new Bench().want(HERE));
    expect(Object.fromEntries(query)).toEqual({ lat: '46.60000', lon: '8.00000', radius: '50', kinds: 'aircraft,ground,alert' });
  });

  it('is live after the last page and not before', () => {
    const bench = new Bench();
    bench.want(HERE);
    bench.receive(welcome());
    expect(bench.session.status).toBe('loading');
    bench.receive(snapshot({ live: false, objects: ONE }));
    expect(bench.session.status).toBe('loading');
    bench.receive(snapshot({ page: 1, cells: [], objects: objects({ aircraft: [aircraft({ device: 5 })] }) }));
    expect(bench.session.status).toBe('live');
    expect(bench.picture.aircraft.size).toBe(2);
  });

  it('backs off longer each time, and starts again after a welcome', () => {
    const bench = new Bench();
    bench.want(HERE);
    bench.close();
    expect(bench.pass(499)).toEqual([]);
    queryOf(bench.pass(1));
    bench.close();
    expect(bench.pass(999)).toEqual([]);
    queryOf(bench.pass(1));
    bench.receive(welcome());
    bench.close();
    queryOf(bench.pass(500));
  });

  it('requests a slower rate on a slow connection', () => {
    const bench = Bench.live();
    bench.close(4001);
    expect(queryOf(bench.pass(500)).get('rate')).toBe('1s');
    bench.receive(welcome());
    bench.close(4001);
    expect(queryOf(bench.pass(500)).get('rate')).toBe('5s');
  });

  it('waits for the delay of the close code', () => {
    const bench = Bench.live();
    bench.close(4003);
    expect(bench.pass(59_999)).toEqual([]);
    queryOf(bench.pass(1));
  });

  it('does not wait when the network is back', () => {
    const bench = Bench.live();
    bench.close();
    queryOf(bench.session.hurry(bench.now));
  });

  it('gives up on a server that is silent for two heartbeats', () => {
    const bench = Bench.live();
    expect(bench.pass(59_999).some((effect) => effect.do === 'disconnect')).toBe(false);
    expect(bench.pass(2)).toEqual([{ do: 'disconnect' }]);
  });

  it('gives up on an attempt without an answer', () => {
    const bench = new Bench();
    bench.want(HERE);
    expect(bench.pass(60_001)).toEqual([{ do: 'disconnect' }]);
  });
});

describe('the rate', () => {
  it('is requested on the open connection, and in the next address', () => {
    const bench = Bench.live();
    bench.session.setRate('5s');
    const [message] = subscribes(bench.pass(200));
    expect(message?.subscribe).toMatchObject({ rate: 3, kinds: [1, 2, 6], replace_lists: true });
    expect(subscribes(bench.pass(1000))).toEqual([]);
    bench.close();
    expect(queryOf(bench.pass(500)).get('rate')).toBe('5s');
  });

  it('of a line that was too slow is not chosen away', () => {
    const bench = Bench.live();
    bench.close(4001);
    bench.pass(500);
    bench.session.setRate('live');
    expect(bench.session.rate).toBe('1s');
    bench.session.setRate('30s');
    expect(bench.session.rate).toBe('30s');
  });
});

describe('a pause', () => {
  const checkpoint = { message: 'checkpoint', checkpoint: { resume: 't1', server_at_us: 0 } } as const;

  it('closes the connection, keeps the picture, and ends with the token', () => {
    const bench = Bench.live();
    bench.receive(checkpoint);
    expect(bench.session.pause()).toEqual([{ do: 'disconnect' }]);
    bench.close();
    expect(bench.session.status).toBe('paused');
    expect(bench.pass(3_600_000)).toEqual([]);
    expect(bench.picture.aircraft.size).toBe(1);
    expect(queryOf(bench.session.unpause(bench.now)).get('resume')).toBe('t1');
  });

  it('of a connection that waits to reconnect closes nothing', () => {
    const bench = Bench.live();
    bench.close();
    expect(bench.session.pause()).toEqual([]);
    expect(bench.session.hurry(bench.now)).toEqual([]);
    queryOf(bench.session.unpause(bench.now));
  });
});

describe('pings', () => {
  it('come with the welcome and each heartbeat', () => {
    const bench = new Bench();
    bench.want(HERE);
    expect(bench.receive(welcome({ heartbeat_interval_s: 10 }))).toEqual([{ do: 'send', message: { request_id: 1, ping: {} } }]);
    expect(bench.pass(9999)).toEqual([]);
    expect(bench.pass(1)).toEqual([{ do: 'send', message: { request_id: 2, ping: {} } }]);
  });

  it('measure the difference of the clocks for the latency', () => {
    const bench = new Bench();
    bench.want(HERE);
    bench.receive(welcome({ server_at_us: 5_000_000_000 }));
    bench.now += 40;
    bench.receive({ message: 'pong', pong: { request_id: 1, server_at_us: 5_000_020_000 } }, snapshot());
    bench.now += 1000;
    // Made 30 ms ago on the server's clock, from a position that was 0.2 s old then.
    bench.receive(updates({ server_at_us: 5_001_010_000, objects: objects({ aircraft: [aircraft({ age_ds: 2 })] }) }));
    expect(bench.session.stats.medianMs(bench.now)).toBeCloseTo(230, 0);
    expect(bench.session.serverTime(bench.now)).toBeCloseTo(5_001_040, 0);
  });
});

describe('a moving view', () => {
  it('subscribes once it stops', () => {
    const bench = Bench.live();
    bench.want(THERE);
    expect(subscribes(bench.pass(200))).toEqual([]);
    const [message] = subscribes(bench.pass(200));
    expect(message?.subscribe).toMatchObject({ circle: { latitude_deg: 46 }, kinds: [1, 2, 6], replace_lists: true });
    expect(subscribes(bench.pass(1000))).toEqual([]);
  });

  it('subscribes from time to time if it never stops', () => {
    const bench = Bench.live();
    const requested = Array.from({ length: 50 }, (_, i) => {
      bench.want({ ...HERE, region: { circle: { latitude_deg: 46 + i / 100, longitude_deg: 8, radius_km: 50 } } });
      return subscribes(bench.pass(100)).length;
    });
    expect(requested.reduce((a, b) => a + b)).toBe(2);
  });

  it('stays within what the server allows per minute', () => {
    const bench = new Bench();
    bench.want(HERE);
    bench.receive(welcome({ limits: { max_radius_km: 200, max_cells: 64, max_followed_devices: 9, max_subscribes_per_minute: 2, max_message_bytes: 4096, max_bounds_km: 2000, first_message_within_s: 10 } }), snapshot());
    const ask = (i: number) => {
      bench.want({ ...HERE, follow: [i] });
      return subscribes(bench.pass(400)).length;
    };
    expect([ask(1), ask(2), ask(3)]).toEqual([1, 1, 0]);
    bench.receive(updates());
    expect(subscribes(bench.pass(59_500))).toHaveLength(1);
  });

  it('drops objects outside of the new cells when the answer is received', () => {
    const bench = Bench.live();
    bench.want(THERE);
    const [message] = subscribes(bench.pass(400));
    expect(bench.picture.aircraft.size).toBe(1);
    bench.receive(snapshot({ request_id: message!.request_id!, cells: ['ezs'] }));
    expect(bench.picture.aircraft.size).toBe(0);
  });

  it('keeps the old objects that the snapshot of the added cells does not repeat', () => {
    const bench = Bench.live();
    bench.want(THERE);
    const [message] = subscribes(bench.pass(400));
    bench.receive(snapshot({ request_id: message!.request_id!, cells: ['u0', 'sp'], objects: objects({}) }));
    expect(bench.picture.aircraft.size).toBe(1);
  });

  it('does not repeat a refused subscription', () => {
    const bench = Bench.live();
    bench.want(THERE);
    const [message] = subscribes(bench.pass(400));
    bench.receive({ message: 'error', error: { request_id: message!.request_id!, code: 'too_many_devices', message: 'too many' } });
    expect(bench.session.lastError).toBe('too many');
    expect(subscribes(bench.pass(5000))).toEqual([]);
  });

  it('asks again after a refusal that ends by itself', () => {
    for (const code of ['too_many_subscribes', 'fleet_unavailable']) {
      const bench = Bench.live();
      bench.want(THERE);
      const [message] = subscribes(bench.pass(400));
      bench.receive({ message: 'error', error: { request_id: message!.request_id!, code, message: 'later' } });
      expect(subscribes(bench.pass(4000))).toEqual([]);
      expect(subscribes(bench.pass(6000))).toHaveLength(1);
    }
  });

  it('sends the region without a fleet that is refused, and asks for it on the next connection', () => {
    const bench = Bench.live();
    bench.want({ ...THERE, fleet: 'red' });
    const [message] = subscribes(bench.pass(400));
    bench.receive({ message: 'error', error: { request_id: message!.request_id!, code: 'fleet_not_allowed', message: 'no member' } });
    expect(subscribes(bench.pass(100))[0]?.subscribe).toMatchObject({ circle: { latitude_deg: 46 }, fleet: '' });
    bench.close();
    bench.pass(60_000);
    bench.receive(welcome(), snapshot());
    expect(subscribes(bench.pass(400))[0]?.subscribe?.fleet).toBe('red');
  });

  it('gives up the token of what it drops', () => {
    const bench = Bench.live();
    bench.receive({ message: 'checkpoint', checkpoint: { resume: 't0', server_at_us: 0 } });
    bench.want({ ...HERE, kinds: [1] });
    const [message] = subscribes(bench.pass(400));
    bench.receive(snapshot({ request_id: message!.request_id! }));
    expect(bench.session.isResumable).toBe(false);
    bench.receive({ message: 'checkpoint', checkpoint: { resume: 't1', server_at_us: 0 } });
    expect(bench.session.isResumable).toBe(true);
  });

  it('drops a followed device that the server does not name any more', () => {
    const bench = Bench.live();
    bench.want({ ...HERE, follow: [DEVICE] });
    const [message] = subscribes(bench.pass(400));
    bench.receive(snapshot({ request_id: message!.request_id!, objects: ONE }));
    bench.receive({ message: 'present', present: present() });
    expect(bench.picture.aircraft.size).toBe(0);
  });

  it('that is wide connects with less, then requests all of it', () => {
    const bench = new Bench();
    const alps: Subscription = { ...HERE, region: { bounds: { south_deg: 44, west_deg: 5, north_deg: 48, east_deg: 14 } } };
    expect(queryOf(bench.want(alps)).get('radius')).toBe('200');
    bench.receive(welcome(), snapshot());
    const [message] = subscribes(bench.pass(400));
    expect(message?.subscribe?.bounds).toMatchObject({ east_deg: 14 });
    expect(bench.session.regionLimits.maxSpanKm).toBe(2000);
    bench.receive({ message: 'error', error: { request_id: message!.request_id!, code: 'region_too_large', message: 'x' } });
    expect(bench.session.regionLimits.maxSpanKm).toBeLessThan(400);
    expect(bench.session.lastError).toBeUndefined();
  });
});

describe('zone events', () => {
  it('are asked for in the address and in messages, and passed on', () => {
    const bench = new Bench();
    const ids: string[] = [];
    bench.session.onZoneEvents = (events) => ids.push(...events.map(({ event_id }) => event_id));
    expect(queryOf(bench.want({ ...HERE, zoneEvents: true })).get('zone_events')).toBe('true');
    const event = { event_id: '1-2/alps/bern', device: DEVICE, event_at_us: 5, event_kind: 1, set: 'alps', zone_id: 'bern', zone_name: 'Bern', zone_class: 'CTR', latitude_e7: 0, longitude_e7: 0 };
    bench.receive(welcome(), snapshot({ objects: ONE }), { message: 'zone_events', zone_events: { events: [event] } });
    expect(ids).toEqual(['1-2/alps/bern']);
    bench.want(HERE);
    expect(subscribes(bench.pass(1000)).map(({ subscribe }) => subscribe!.zone_events)).toEqual([false]);
  });
});

describe('resuming', () => {
  const checkpoint = { message: 'checkpoint', checkpoint: { resume: 't1', server_at_us: 0 } } as const;

  function reconnected(): Bench {
    const bench = Bench.live();
    bench.receive(checkpoint);
    bench.close();
    expect(queryOf(bench.pass(500)).get('resume')).toBe('t1');
    bench.receive(welcome());
    return bench;
  }

  it('keeps its objects and drops those that are not present', () => {
    const bench = reconnected();
    bench.receive(snapshot({ objects: objects({ aircraft: [aircraft({ device: 2, version: 11 })] }) }));
    expect(bench.picture.aircraft.size).toBe(2);
    bench.receive({ message: 'present', present: present({ aircraft_devices: [2] }) });
    expect(bench.picture.aircraft.size).toBe(1);
  });

  it('starts over when the token was not accepted', () => {
    const bench = reconnected();
    bench.receive(snapshot({ resumed: false, objects: objects({ aircraft: [aircraft({ device: 2, version: 1 })] }) }));
    expect([...bench.picture.aircraft.values()].map(({ device }) => device)).toEqual([2]);
    bench.close();
    expect(queryOf(bench.pass(5_000)).get('resume')).toBeNull();
  });

  it('starts over on data of another epoch, whose versions start again', () => {
    const bench = Bench.live();
    bench.close();
    bench.pass(500);
    bench.receive(welcome({ epoch: 'e2' }), snapshot({ objects: objects({ aircraft: [aircraft({ version: 1 })] }) }));
    expect(bench.picture.aircraft.get(DEVICE)?.version).toBe(1);
  });

  it('requests the region of the token, then the current one', () => {
    const bench = Bench.live();
    bench.receive(checkpoint);
    bench.close();
    bench.want(THERE);
    expect(queryOf(bench.pass(500)).get('lat')).toBe('46.60000');
    expect(subscribes(bench.receive(welcome()))).toEqual([]);
    bench.receive(snapshot());
    expect(subscribes(bench.pass(400))[0]?.subscribe?.circle?.latitude_deg).toBe(46);
  });

  it('asks for a fleet with a message, and keeps its devices', () => {
    const bench = Bench.live();
    const asks = (subscription: Subscription) => {
      bench.want(subscription);
      return subscribes(bench.pass(400))[0]!;
    };
    const red = asks({ ...HERE, fleet: 'red' });
    expect(red.subscribe?.fleet).toBe('red');
    bench.receive(snapshot({ request_id: red.request_id!, fleet: { fleet_id: 'red', devices: [7, 8] } }));
    expect([...bench.picture.fleet!]).toEqual([7, 8]);
    bench.receive(updates({ fleet: { fleet_id: 'red', devices: [8] } }));
    expect([...bench.picture.fleet!]).toEqual([8]);
    expect(asks(HERE).subscribe?.fleet).toBe('');
    const blue = asks({ ...HERE, fleet: 'blue' });
    bench.receive(snapshot({ request_id: blue.request_id!, fleet: { fleet_id: 'blue', devices: [9] } }));
    bench.receive({ message: 'error', error: { code: 'fleet_ended', message: 'ended' } });
    expect(bench.picture.fleet).toBeUndefined();
    // It is named no more: with it, the server would refuse every later region too.
    expect(subscribes(bench.pass(400))[0]?.subscribe?.fleet).toBe('');
    expect(asks({ ...THERE, fleet: 'blue' }).subscribe?.fleet).toBeUndefined();
    expect(subscribes(bench.pass(60_000))).toEqual([]);
    expect(asks({ ...THERE, fleet: 'red' }).subscribe?.fleet).toBe('red');
    // A server of before knows no empty fleet.
    expect(subscribes(Bench.live().pass(400))).toEqual([]);
    const plain = Bench.live();
    plain.want(THERE);
    expect(subscribes(plain.pass(400))[0]?.subscribe?.fleet).toBeUndefined();
  });

  it('names the followed devices again', () => {
    const bench = Bench.live();
    bench.want({ ...HERE, follow: [7] });
    const [message] = subscribes(bench.pass(400));
    bench.receive(snapshot({ request_id: message!.request_id! }), checkpoint);
    bench.close();
    bench.pass(500);
    bench.receive(welcome(), snapshot());
    expect(subscribes(bench.pass(400))[0]?.subscribe?.follow_devices).toEqual([7]);
  });

  it('connects without the token when a server refuses it', () => {
    const bench = Bench.live();
    bench.receive(checkpoint);
    bench.close();
    expect(queryOf(bench.pass(500)).has('resume')).toBe(true);
    bench.close();
    expect(queryOf(bench.pass(1000)).has('resume')).toBe(false);
  });
});

describe('staleness', () => {
  it('follows the server', () => {
    const bench = Bench.live();
    bench.receive(updates({ stale: true }));
    expect(bench.session.isStale(bench.now)).toBe(true);
    bench.receive(updates());
    expect(bench.session.isStale(bench.now)).toBe(true);
    // States may be sent again meanwhile, after a short delay.
    bench.receive(updates({ objects: ONE }));
    expect(bench.session.isStale(bench.now)).toBe(true);
    bench.receive(updates({ stale: false }));
    expect(bench.session.isStale(bench.now)).toBe(false);
  });

  it('comes with silence', () => {
    const bench = Bench.live();
    bench.pass(14_000);
    expect(bench.session.isStale(bench.now)).toBe(false);
    bench.pass(2000);
    expect(bench.session.isStale(bench.now)).toBe(true);
  });

  it('does not come between the messages of a slow rate', () => {
    const bench = Bench.live();
    bench.session.setRate('30s');
    bench.pass(40_000);
    expect(bench.session.isStale(bench.now)).toBe(false);
    bench.pass(6000);
    expect(bench.session.isStale(bench.now)).toBe(true);
  });
});

it('applies removals', () => {
  const bench = Bench.live();
  bench.receive(updates({ removals: [removal({ version: 11 })] }));
  expect(bench.picture.aircraft.size).toBe(0);
});

it('drops a kind that is switched off', () => {
  const bench = Bench.live();
  bench.want({ ...HERE, kinds: [2, 6] });
  const [message] = subscribes(bench.pass(400));
  bench.receive(snapshot({ request_id: message!.request_id! }));
  expect(bench.picture.aircraft.size).toBe(0);
});
