// The session by the vectors that all clients share: clients/vectors.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { AirPicture, decode, formatAddress, Session, type Aircraft, type Effect, type Rate, type Region } from '../src/index.js';

type Step =
  | { do: 'want'; region: Region; kinds: number[]; follow: number[]; fleet?: string }
  | { do: 'receive'; frame: string }
  | { do: 'tick'; ms: number }
  | { do: 'close'; code: number }
  | { do: 'rate'; rate: Rate }
  | { do: 'pause' | 'unpause' }
  | ({ do: 'expect' } & Expectation);

interface Expectation {
  status?: string;
  effects?: Effect['do'][];
  query?: Record<string, string | null>;
  rate?: number;
  fleet?: string;
  stale?: boolean;
  error?: string;
  aircraft?: Record<string, Record<string, number | string | null>>;
  ground?: string[];
  thermals?: string[];
  alerts?: string[];
}

const { cases } = JSON.parse(readFileSync(new URL('../../vectors/session.json', import.meta.url), 'utf8')) as { cases: { name: string; steps: Step[] }[] };

/** How this client calls what a vector calls otherwise. */
const FIELDS: Record<string, (aircraft: Aircraft, now: number) => unknown> = {
  latitude_deg: ({ lat }) => lat, longitude_deg: ({ lon }) => lon, altitude_m: ({ altitudeM }) => altitudeM, speed_kmh: ({ speedKmh }) => speedKmh,
  climb_mps: ({ climbMps }) => climbMps, course_deg: ({ courseDeg }) => courseDeg, age_s: ({ at }, now) => (now - at) / 1000,
  kind: ({ kind }) => kind, phase: ({ phase }) => phase, alert: ({ alert }) => alert, name: ({ name }) => name, version: ({ version }) => version,
};

class Bench {
  readonly #session = new Session(new AirPicture(), () => 1);
  #now = 1_000_000_000;
  #effects: Effect[] = [];

  step(step: Step): void {
    const session = this.#session;
    switch (step.do) {
      case 'want': this.#effects = session.want({ region: step.region, kinds: step.kinds, follow: step.follow, ...(step.fleet !== undefined && { fleet: step.fleet }) }, this.#now); break;
      case 'receive': this.#effects = session.received(decode(Buffer.from(step.frame, 'hex')), this.#now); break;
      case 'tick':
        this.#now += step.ms;
        this.#effects = session.tick(this.#now);
        break;
      case 'close': this.#effects = session.closed(step.code, this.#now); break;
      case 'rate': session.setRate(step.rate); break;
      case 'pause': this.#effects = session.pause(); break;
      case 'unpause': this.#effects = session.unpause(this.#now); break;
      case 'expect': this.#expect(step); break;
    }
  }

  #expect({ status, effects, query, rate, fleet, stale, error, aircraft, ground, thermals, alerts }: Expectation): void {
    const { picture } = this.#session;
    const [effect] = this.#effects;
    if (status !== undefined) expect(this.#session.status).toBe(status);
    if (effects) expect(this.#effects.map((one) => one.do)).toEqual(effects);
    if (query) {
      if (effect?.do !== 'connect') throw new Error('a connection is expected');
      for (const [name, value] of Object.entries(query)) expect(new URLSearchParams(effect.query).get(name), name).toBe(value);
    }
    if (rate !== undefined) expect(effect?.do === 'send' && effect.message.subscribe?.rate).toBe(rate);
    if (fleet !== undefined) expect(effect?.do === 'send' && effect.message.subscribe?.fleet).toBe(fleet);
    if (stale !== undefined) expect(this.#session.isStale(this.#now)).toBe(stale);
    if (error !== undefined) expect(this.#session.lastError).toBe(error);
    if (aircraft) {
      expect([...picture.aircraft.values()].map(({ device }) => formatAddress(device)).sort()).toEqual(Object.keys(aircraft).sort());
      for (const one of picture.aircraft.values()) {
        for (const [field, value] of Object.entries(aircraft[formatAddress(one.device)]!)) {
          const actual = FIELDS[field]!(one, this.#now);
          if (typeof value === 'number') expect(actual, field).toBeCloseTo(value, 6);
          else expect(actual ?? null, field).toBe(value);
        }
      }
    }
    if (ground) expect([...picture.ground.values()].map(({ device }) => formatAddress(device))).toEqual(ground);
    if (thermals) expect([...picture.thermals.values()].map(({ id }) => id)).toEqual(thermals);
    if (alerts) expect([...picture.alerts.values()].map(({ id }) => id)).toEqual(alerts);
  }
}

it.each(cases.map(({ name, steps }) => [name, steps] as const))('%s', (_, steps) => {
  const bench = new Bench();
  for (const step of steps) bench.step(step);
});
