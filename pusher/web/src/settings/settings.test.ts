import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatAge, formatCourse, formatPosition, Formats, formatInteger, UNKNOWN } from './formats';
import { LANGUAGES, languageFor, t, useLanguage } from './language';
import { parsePreferences } from './preferences';

const FOLDER = new URL('./languages/', import.meta.url);
const textsOf = (code: string): Record<string, string> => JSON.parse(readFileSync(new URL(`${code}.json`, FOLDER), 'utf8'));

describe('values', () => {
  const metric = new Formats('metric');
  const imperial = new Formats('imperial');
  const aviation = new Formats('aviation');

  it('are in the units of the user', () => {
    expect([metric, imperial, aviation].map((formats) => formats.altitude(1000))).toEqual(['1000 m', '3281 ft', '3281 ft']);
    expect([metric, imperial].map((formats) => formats.band(1500, 2000))).toEqual(['1500–2000 m', '4921–6562 ft']);
    expect([metric, imperial, aviation].map((formats) => formats.speed(37))).toEqual(['37 km/h', '23 mph', '20 kt']);
    expect([metric, imperial, aviation].map((formats) => formats.distance(10))).toEqual(['10.0 km', '6.2 mi', '5.4 NM']);
    expect([metric, imperial, aviation].map((formats) => `${formats.climb(2)} ${formats.climbUnit}`)).toEqual(['+2.0 m/s', '+394 ft/min', '+394 ft/min']);
  });

  it('have a sign that differs from a dash, and show unknown values', () => {
    expect([2.06, -0.44, -0.04, 0, undefined].map((mps) => metric.climb(mps))).toEqual(['+2.1', '−0.4', '0.0', '0.0', '']);
    expect([metric.altitude(-12.4), metric.altitude(-0.2), metric.altitude(undefined)]).toEqual(['−12 m', '0 m', UNKNOWN]);
    expect([formatInteger(61.4, '%'), formatInteger(undefined, '%')]).toEqual(['61 %', UNKNOWN]);
    expect([formatCourse(359.7), formatCourse(235), formatCourse(undefined)]).toEqual(['0° N', '235° SW', UNKNOWN]);
    expect([0, 99_000, 120_000, 7_200_000].map(formatAge)).toEqual(['0 s', '99 s', '2 min', '2 h']);
    expect(formatPosition(-46.6, 8)).toBe('46.60000° S 8.00000° E');
  });

  it('have heights above the ground, not below it', () => {
    expect([metric.aboveGround(1850, 1500), imperial.aboveGround(1850, 1500), metric.aboveGround(1490, 1500)]).toEqual(['350 m AGL', '1148 ft AGL', '0 m AGL']);
    expect([metric.aboveGround(undefined, 1500), metric.aboveGround(1850, undefined)]).toEqual(['', '']);
  });

  it('have times in the zone of the user', () => {
    const noon = Date.UTC(2026, 6, 1, 12, 0, 5);
    expect(new Formats('metric', 'utc').time(noon)).toBe('12:00Z');
    expect(new Formats('metric', 'utc').timeOfDay(noon)).toBe('12:00:05Z');
    expect(metric.time(noon)).toMatch(/^\d\d:00$/);
  });
});

describe('languages', () => {
  const english = textsOf('en');

  it('have all texts of English, with the same values', () => {
    const files = readdirSync(FOLDER).map((file) => file.replace('.json', ''));
    expect(files.sort()).toEqual(LANGUAGES.map(([code]) => code).sort());
    for (const code of files) {
      const texts = textsOf(code);
      expect(Object.keys(texts).sort(), code).toEqual(Object.keys(english).sort());
      for (const [key, text] of Object.entries(texts)) {
        const values = (one: string) => [...one.matchAll(/\{\w+\}/g)].map(([value]) => value).sort();
        expect(values(text), `${code}: ${key}`).toEqual(values(english[key]!));
      }
    }
  });

  it('have sixteen directions, each with letters of its own', async () => {
    for (const [code] of LANGUAGES) expect(new Set(textsOf(code).compass!.split(' ')).size, code).toBe(16);
    const seen: string[] = [];
    for (const code of ['de', 'fr', 'it', 'ru']) {
      await useLanguage(code);
      seen.push([45, 90, 225, 292].map(formatCourse).join(', '));
    }
    await useLanguage('en');
    expect(seen).toEqual(['45° NO, 90° O, 225° SW, 292° WNW', '45° NE, 90° E, 225° SO, 292° ONO', '45° NE, 90° E, 225° SO, 292° ONO', '45° СВ, 90° В, 225° ЮЗ, 292° ЗСЗ']);
  });

  it('name themselves', () => {
    for (const [code, name] of LANGUAGES) expect(textsOf(code).language).toBe(name);
  });

  it('are chosen by the user, else by the browser', () => {
    expect(languageFor('fr', ['de-CH', 'en'])).toBe('fr');
    expect(languageFor(undefined, ['de-CH', 'en'])).toBe('de');
    expect(languageFor('xx', ['nl', 'it-IT'])).toBe('it');
    expect(languageFor(undefined, ['nl'])).toBe('en');
  });

  it('are used once they are loaded', async () => {
    expect(t('status.live')).toBe('Live');
    await useLanguage('ru');
    expect(t('list.ground')).toBe(textsOf('ru')['list.ground']);
    expect(t('alert.since', { time: '12:00' })).toContain('12:00');
    await useLanguage('en');
    expect(t('alert.since', { time: '12:00' })).toBe('since 12:00');
  });
});

it('writes temperatures in the units of the user', () => {
  expect((['metric', 'imperial', 'aviation'] as const).map((units) => new Formats(units).temperature(-10))).toEqual(['−10.0 °C', '14 °F', '−10.0 °C']);
});

it('reads and writes the clock of an input in the zone of the user', () => {
  const at = Date.UTC(2026, 6, 14, 18);
  for (const zone of ['utc', 'local'] as const) {
    const formats = new Formats('metric', zone);
    expect(formats.clockTime(formats.clockText(at))).toBe(at);
  }
  expect(new Formats('metric', 'utc').clockText(at)).toBe('2026-07-14T18:00:00');
  expect(new Formats('metric', 'utc').clockTime('2026-13-01T12:00')).toBeUndefined();
});

it('takes over only known preferences', () => {
  expect(parsePreferences(null)).toEqual({});
  expect(parsePreferences('[')).toEqual({});
  expect(parsePreferences('{"units":"furlongs","theme":"sunlight","language":"de","sound":false,"colour":"age","zone":3,"keys":false}')).toEqual({
    theme: 'sunlight', language: 'de', sound: false, colour: 'age', keys: false,
  });
});
