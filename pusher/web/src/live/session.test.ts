import { describe, expect, it } from 'vitest';
import { aircraft, DEVICE, objects, present, removal, snapshot, updates, welcome } from '../../tests/wire';
import { AirPicture } from './picture';
import { Session, type Effect } from './session';
import type { Subscription } from './subscription';

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

  hear(...messages: Parameters<Session['received']>[0][]): Effect[] {
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
    bench.hear(welcome(), snapshot({ objects: ONE }));
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
  it('asks for the first view in the address', () => {
    const query = queryOf(new Bench().want(HERE));
    expect(Object.fromEntries(query)).toEqual({ lat: '46.60000', lon: '8.00000', radius: '50', kinds: 'aircraft,ground,alert' });
  });

  it('is live after the last page and not before', () => {
    const bench = new Bench();
    bench.want(HERE);
    bench.hear(welcome());
    expect(bench.session.status).toBe('loading');
    bench.hear(snapshot({ live: false, objects: ONE }));
    expect(bench.session.status).toBe('loading');
    bench.hear(snapshot({ page: 1, cells: [], objects: objects({ aircraft: [aircraft({ device: 5 })] }) }));
    expect(bench.session.status).toBe('live');
    expect(bench.picture.aircraft.size).toBe(2);
  });

  it('backs off longer each time, and starts anew after a welcome', () => {
    const bench = new Bench();
    bench.want(HERE);
    bench.close();
    expect(bench.pass(499)).toEqual([]);
    queryOf(bench.pass(1));
    bench.close();
    expect(bench.pass(999)).toEqual([]);
    queryOf(bench.pass(1));
    bench.hear(welcome());
    bench.close();
    queryOf(bench.pass(500));
  });

  it('asks for less on a line that was too slow', () => {
    const bench = Bench.live();
    bench.close(4001);
    expect(queryOf(bench.pass(500)).get('rate')).toBe('1s');
    bench.hear(welcome());
    bench.close(4001);
    expect(queryOf(bench.pass(500)).get('rate')).toBe('5s');
  });

  it('stays away for as long as the close code asks', () => {
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

  it('gives up on a server that says nothing for two heartbeats', () => {
    const bench = Bench.live();
    expect(bench.pass(59_999).some((effect) => effect.do === 'disconnect')).toBe(false);
    expect(bench.pass(2)).toEqual([{ do: 'disconnect' }]);
  });

  it('gives up on an attempt that comes to nothing', () => {
    const bench = new Bench();
    bench.want(HERE);
    expect(bench.pass(60_001)).toEqual([{ do: 'disconnect' }]);
  });
});

describe('pings', () => {
  it('come with the welcome and each heartbeat', () => {
    const bench = new Bench();
    bench.want(HERE);
    expect(bench.hear(welcome({ heartbeat_interval_s: 10 }))).toEqual([{ do: 'send', message: { request_id: 1, ping: {} } }]);
    expect(bench.pass(9999)).toEqual([]);
    expect(bench.pass(1)).toEqual([{ do: 'send', message: { request_id: 2, ping: {} } }]);
  });

  it('tell the clocks apart, so that the latency is right', () => {
    const bench = new Bench();
    bench.want(HERE);
    bench.hear(welcome({ server_at_us: 5_000_000_000 }));
    bench.now += 40;
    bench.hear({ message: 'pong', pong: { request_id: 1, server_at_us: 5_000_020_000 } }, snapshot());
    bench.now += 1000;
    // Made 30 ms ago on the server's clock, from a position that was 0.2 s old then.
    bench.hear(updates({ server_at_us: 5_001_010_000, objects: objects({ aircraft: [aircraft({ age_ds: 2 })] }) }));
    expect(bench.session.stats.medianMs(bench.now)).toBeCloseTo(230, 0);
  });
});

describe('a moving view', () => {
  it('asks once it rests', () => {
    const bench = Bench.live();
    bench.want(THERE);
    expect(subscribes(bench.pass(200))).toEqual([]);
    const [message] = subscribes(bench.pass(200));
    expect(message?.subscribe).toMatchObject({ circle: { latitude_deg: 46 }, kinds: [1, 2, 6], replace_lists: true });
    expect(subscribes(bench.pass(1000))).toEqual([]);
  });

  it('asks now and then when it never rests', () => {
    const bench = Bench.live();
    const asked = Array.from({ length: 50 }, (_, i) => {
      bench.want({ ...HERE, region: { circle: { latitude_deg: 46 + i / 100, longitude_deg: 8, radius_km: 50 } } });
      return subscribes(bench.pass(100)).length;
    });
    expect(asked.reduce((a, b) => a + b)).toBe(2);
  });

  it('stays within what the server allows per minute', () => {
    const bench = new Bench();
    bench.want(HERE);
    bench.hear(welcome({ limits: { max_radius_km: 200, max_cells: 64, max_followed_devices: 9, max_subscribes_per_minute: 2, max_message_bytes: 4096, max_bounds_km: 2000, first_message_within_s: 10 } }), snapshot());
    const ask = (i: number) => {
      bench.want({ ...HERE, follow: [i] });
      return subscribes(bench.pass(400)).length;
    };
    expect([ask(1), ask(2), ask(3)]).toEqual([1, 1, 0]);
    bench.hear(updates());
    expect(subscribes(bench.pass(59_500))).toHaveLength(1);
  });

  it('drops what the new cells leave out when the answer comes', () => {
    const bench = Bench.live();
    bench.want(THERE);
    const [message] = subscribes(bench.pass(400));
    expect(bench.picture.aircraft.size).toBe(1);
    bench.hear(snapshot({ request_id: message!.request_id!, cells: ['ezs'] }));
    expect(bench.picture.aircraft.size).toBe(0);
  });

  it('keeps the old objects that the snapshot of the added cells does not repeat', () => {
    const bench = Bench.live();
    bench.want(THERE);
    const [message] = subscribes(bench.pass(400));
    bench.hear(snapshot({ request_id: message!.request_id!, cells: ['u0', 'sp'], objects: objects({}) }));
    expect(bench.picture.aircraft.size).toBe(1);
  });

  it('does not repeat what was refused', () => {
    const bench = Bench.live();
    bench.want(THERE);
    const [message] = subscribes(bench.pass(400));
    bench.hear({ message: 'error', error: { request_id: message!.request_id!, code: 'too_many_devices', message: 'too many' } });
    expect(bench.session.lastError).toBe('too many');
    expect(subscribes(bench.pass(5000))).toEqual([]);
  });

  it('that is wide connects with what every server gives, then asks for all of it, and learns from a refusal', () => {
    const bench = new Bench();
    const alps: Subscription = { ...HERE, region: { bounds: { south_deg: 44, west_deg: 5, north_deg: 48, east_deg: 14 } } };
    expect(queryOf(bench.want(alps)).get('radius')).toBe('200');
    bench.hear(welcome(), snapshot());
    const [message] = subscribes(bench.pass(400));
    expect(message?.subscribe?.bounds).toMatchObject({ east_deg: 14 });
    expect(bench.session.regionLimits.maxSpanKm).toBe(2000);
    bench.hear({ message: 'error', error: { request_id: message!.request_id!, code: 'region_too_large', message: 'x' } });
    expect(bench.session.regionLimits.maxSpanKm).toBeLessThan(400);
    expect(bench.session.lastError).toBeUndefined();
  });
});

describe('resuming', () => {
  const checkpoint = { message: 'checkpoint', checkpoint: { resume: 't1', server_at_us: 0 } } as const;

  function reconnected(): Bench {
    const bench = Bench.live();
    bench.hear(checkpoint);
    bench.close();
    expect(queryOf(bench.pass(500)).get('resume')).toBe('t1');
    bench.hear(welcome());
    return bench;
  }

  it('keeps what it has and drops what is not present', () => {
    const bench = reconnected();
    bench.hear(snapshot({ objects: objects({ aircraft: [aircraft({ device: 2, version: 11 })] }) }));
    expect(bench.picture.aircraft.size).toBe(2);
    bench.hear({ message: 'present', present: present({ aircraft_devices: [2] }) });
    expect(bench.picture.aircraft.size).toBe(1);
  });

  it('starts over when the token was of no use', () => {
    const bench = reconnected();
    bench.hear(snapshot({ resumed: false, objects: objects({ aircraft: [aircraft({ device: 2, version: 1 })] }) }));
    expect([...bench.picture.aircraft.values()].map(({ device }) => device)).toEqual([2]);
    bench.close();
    expect(queryOf(bench.pass(5_000)).get('resume')).toBeNull();
  });

  it('starts over on data of another epoch, whose versions count anew', () => {
    const bench = Bench.live();
    bench.close();
    bench.pass(500);
    bench.hear(welcome({ epoch: 'e2' }), snapshot({ objects: objects({ aircraft: [aircraft({ version: 1 })] }) }));
    expect(bench.picture.aircraft.get(DEVICE)?.version).toBe(1);
  });

  it('asks for the region that the token is for, then for the one looked at now', () => {
    const bench = Bench.live();
    bench.hear(checkpoint);
    bench.close();
    bench.want(THERE);
    expect(queryOf(bench.pass(500)).get('lat')).toBe('46.60000');
    expect(subscribes(bench.hear(welcome()))).toEqual([]);
    bench.hear(snapshot());
    expect(subscribes(bench.pass(400))[0]?.subscribe?.circle?.latitude_deg).toBe(46);
  });

  it('names the followed devices again', () => {
    const bench = Bench.live();
    bench.want({ ...HERE, follow: [7] });
    const [message] = subscribes(bench.pass(400));
    bench.hear(snapshot({ request_id: message!.request_id! }), checkpoint);
    bench.close();
    bench.pass(500);
    bench.hear(welcome(), snapshot());
    expect(subscribes(bench.pass(400))[0]?.subscribe?.follow_devices).toEqual([7]);
  });

  it('does without the token when a server will not take it', () => {
    const bench = Bench.live();
    bench.hear(checkpoint);
    bench.close();
    expect(queryOf(bench.pass(500)).has('resume')).toBe(true);
    bench.close();
    expect(queryOf(bench.pass(1000)).has('resume')).toBe(false);
  });
});

describe('staleness', () => {
  it('is what the server says', () => {
    const bench = Bench.live();
    bench.hear(updates({ stale: true }));
    expect(bench.session.isStale(bench.now)).toBe(true);
    bench.hear(updates());
    expect(bench.session.isStale(bench.now)).toBe(true);
    // States may be told again meanwhile, after a slow moment.
    bench.hear(updates({ objects: ONE }));
    expect(bench.session.isStale(bench.now)).toBe(true);
    bench.hear(updates({ stale: false }));
    expect(bench.session.isStale(bench.now)).toBe(false);
  });

  it('comes with silence', () => {
    const bench = Bench.live();
    bench.pass(14_000);
    expect(bench.session.isStale(bench.now)).toBe(false);
    bench.pass(2000);
    expect(bench.session.isStale(bench.now)).toBe(true);
  });
});

it('applies removals', () => {
  const bench = Bench.live();
  bench.hear(updates({ removals: [removal({ version: 11 })] }));
  expect(bench.picture.aircraft.size).toBe(0);
});

it('drops a kind that is switched off', () => {
  const bench = Bench.live();
  bench.want({ ...HERE, kinds: [2, 6] });
  const [message] = subscribes(bench.pass(400));
  bench.hear(snapshot({ request_id: message!.request_id! }));
  expect(bench.picture.aircraft.size).toBe(0);
});
