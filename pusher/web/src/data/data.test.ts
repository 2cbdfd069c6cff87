import { strFromU8, unzipSync } from 'fflate';
import { AirPicture } from 'updraft-client';
import { describe, expect, it, vi } from 'vitest';
import { aircraft, objects } from '../../../../clients/web/tests/wire.js';
import { Formats } from '../settings/formats';
import { observationsOf, readingsOf } from './device-data';
import { csvOf, xlsxOf } from './files';
import { headOf, matching, observationTable, REGION_TABLES, regionTable, sorted, textOf, type Table } from './table';

// Symbols of the map are made when their module is loaded, and Node has no paths.
vi.hoisted(() => Object.assign(globalThis, { Path2D: class {} }));

const METRIC = new Formats('metric', 'utc');
const AT = Date.UTC(2026, 6, 14, 18, 0, 5);

function picture(): AirPicture {
  const made = new AirPicture();
  made.put(objects({
    aircraft: [
      aircraft({ device: 0x07e010, name: '=Anna, "A"', altitude_m: 2588, climb_cmps: -120, speed_dkmh: 381, course_deg: 235 }),
      aircraft({ device: 0x110b91, name: 'Beat', altitude_m: 900 }), aircraft({ device: 0x110b92 }),
    ],
  }), { now: AT, connection: 1 });
  return made;
}

const column = (table: Table, label: string) => table.columns.findIndex((one) => headOf(one, METRIC).startsWith(label));

describe('a table', () => {
  it('has the objects of each kind in the units of the user', () => {
    const table = regionTable('aircraft', picture(), [], METRIC);
    expect(table.columns.map((one) => headOf(one, METRIC))).toEqual(['Name', 'Address', 'Type', 'Phase', 'Latitude (°)', 'Longitude (°)', 'Altitude (m)', 'Climb (m/s)', 'Speed (km/h)', 'Course (°)', 'Call', 'Message', 'Last heard (UTC)']);
    const [row] = table.rows;
    expect(row?.values.map((value, i) => textOf(value, table.columns[i]!, METRIC))).toEqual(
      ['=Anna, "A"', '07E010', 'Paraglider', 'Flying', '46.60000', '8.00000', '2588', '-1.2', '38', '235', '', '', '2026-07-14 18:00:05']);
    const aviation = regionTable('aircraft', picture(), [], new Formats('aviation', 'utc'));
    expect(headOf(aviation.columns[6]!, METRIC)).toBe('Altitude (ft)');
    expect(aviation.rows[0]!.values[6]).toBe(8491);
    expect(REGION_TABLES.map((kind) => regionTable(kind, picture(), [], METRIC).rows.length)).toEqual([3, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('has the winds by band in the units of the user', () => {
    const wind = { cell: 'u0m7', lat: 46.67, lon: 8.26, baseM: 1500, topM: 2000, fromDeg: 270, kmh: 18.5, pilots: 3, confidencePct: 80, lastSeenAt: AT };
    const table = regionTable('winds', picture(), [wind, { ...wind, baseM: 500, topM: 1000 }], new Formats('aviation', 'utc'));
    expect(table.columns.map((one) => headOf(one, METRIC))).toEqual(['Base (ft)', 'Top (ft)', 'Wind (kt)', 'From (°)', 'Pilots', 'Confidence (%)', 'Id', 'Latitude (°)', 'Longitude (°)', 'Measured (UTC)']);
    const [lowest, row] = sorted(table, 0, true).rows;
    expect(lowest?.values[0]).toBe(1640);
    expect(row?.values).toEqual([4921, 6562, 10, 270, 3, 80, 'u0m7/1500', 46.67, 8.26, AT]);
    expect(row?.selection).toEqual({ kind: 'wind', id: 'u0m7/1500' });
    expect(csvOf(sorted(table, 0, false), METRIC).split('\r\n')[1]).toBe('4921,6562,10,270,3,80,"u0m7/1500",46.67000,8.26000,"2026-07-14 18:00:05"');
  });

  it('is sorted by any column, with what is not known at the end', () => {
    const table = regionTable('aircraft', picture(), [], METRIC);
    const altitude = column(table, 'Altitude');
    const order = (ascending: boolean) => sorted(table, altitude, ascending).rows.map(({ values }) => values[altitude]);
    expect(order(true)).toEqual([900, 2588, undefined]);
    expect(order(false)).toEqual([2588, 900, undefined]);
    expect(sorted(table, 0, false).rows.map(({ values }) => values[0])).toEqual(['Beat', '=Anna, "A"', undefined]);
  });

  it('tells open, seen and resolved calls apart', () => {
    const made = new AirPicture();
    const call = { device: 0x110b91, alert_kind: 9, opened_at_us: 0, unverified: false, version: 1, age_ds: 0 };
    made.put(objects({ alerts: [1, 2, 3].map((status) => ({ ...call, alert_id: `1-${status}`, status })) as never }), { now: AT, connection: 1 });
    const table = regionTable('alerts', made, [], METRIC);
    expect(table.rows.map(({ values }) => values[column(table, 'Status')])).toEqual(['open', 'seen by an operator', 'resolved']);
  });

  it('is searched in its texts', () => {
    const table = regionTable('aircraft', picture(), [], METRIC);
    expect(matching(table, ' 110b9 ').rows).toHaveLength(2);
    expect(matching(table, '2588').rows).toHaveLength(0);
  });
});

describe('a file', () => {
  it('as CSV quotes addresses and texts, not numbers, and disarms formulas', () => {
    const lines = csvOf(sorted(regionTable('aircraft', picture(), [], METRIC), 6, false), METRIC).split('\r\n');
    expect(lines[0]).toMatch(/^"Name","Address","Type".*,"Last heard \(UTC\)"$/);
    expect(lines[1]).toBe('"\'=Anna, ""A""","07E010","Paraglider","Flying",46.60000,8.00000,2588,-1.2,38,235,,,"2026-07-14 18:00:05"');
    expect(lines[3]).toMatch(/^,"110B92"/);
    expect(lines).toHaveLength(5);
  });

  it('as XLSX has text as text, numbers as numbers and times as times', () => {
    const table = regionTable('aircraft', picture(), [], METRIC);
    const parts = unzipSync(xlsxOf(table, METRIC));
    const sheet = strFromU8(parts['xl/worksheets/sheet1.xml']!);
    expect(sheet).toContain('<is><t xml:space="preserve">07E010</t></is>');
    expect(sheet).toContain('<c><v>2588</v></c>');
    // 2026-07-14 is day 46217 of a spreadsheet.
    expect(Number(/<c s="2"><v>([\d.]+)<\/v>/.exec(sheet)![1])).toBeCloseTo(46_217.750058, 5);
    expect(Object.keys(parts)).toContain('[Content_Types].xml');
  });

  it('as XLSX survives every text that a radio can send', () => {
    const table: Table = { columns: [{ label: 'list.name', type: 'text' }], rows: [{ values: ['<&>\u0000\u001b\ud83e\ude82'] }] };
    expect(strFromU8(unzipSync(xlsxOf(table, METRIC))['xl/worksheets/sheet1.xml']!)).toContain('&lt;&amp;&gt;\ufffd\ufffd\u{1fa82}');
  });
});

it('reads what the history has', () => {
  expect(observationsOf({ segments: [{ points: [{ event_at_us: '1000000', latitude_deg: 46, longitude_deg: 8, altitude_m: 1800.4 }] }] }))
    .toEqual([{ at: 1000, lat: 46, lon: 8, altitudeM: 1800.4 }]);
  expect(readingsOf({ readings: [{ event_at_us: '2000', wind_speed_kmh: 3 }, {}] })).toEqual([{ at: 2, windKmh: 3 }]);
  const table = observationTable(observationsOf({ segments: [{ points: [{ event_at_us: '1000000', latitude_deg: 46, longitude_deg: 8, altitude_m: 1800.4 }] }] }), METRIC);
  expect(table.rows[0]!.values.slice(0, 4)).toEqual([1000, 46, 8, 1800]);
});
