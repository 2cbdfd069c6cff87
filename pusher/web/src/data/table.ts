// Tables of what is known, as they are shown and downloaded: one value per cell, in the user's units, rounded as it is shown.
import { AlertStatus, formatAddress, type Aircraft, type AirPicture, type Alert, type Ground, type Landmark, type Position, type Receiver, type Station, type Thermal } from 'updraft-client';
import { positionOf } from '../live/alerts';
import { windId, type Wind } from '../live/winds';
import { aircraftKind } from '../map/symbols/aircraft';
import { groundKind } from '../map/symbols/ground';
import type { Selection } from '../selection';
import { convert, type Formats, type Unit } from '../settings/formats';
import { t, type TextKey } from '../settings/language';
import { alertLabel, callerOf } from '../ui/calls';
import { landmarkLabel, phaseLabel } from '../ui/facts';

export const REGION_TABLES = ['aircraft', 'ground', 'alerts', 'thermals', 'stations', 'winds', 'receivers', 'landmarks'] as const;
export type RegionTable = (typeof REGION_TABLES)[number];

/** A number is written with `digits`; a time is milliseconds since the Unix epoch. Undefined: not known. */
export type Value = string | number | undefined;

export interface Column {
  label: TextKey;
  type: 'text' | 'number' | 'time';
  unit?: string;
  digits?: number;
}

export interface Row {
  values: readonly Value[];
  /** What a click on it shows. */
  selection?: Selection;
  position?: Position;
}

export interface Table {
  columns: readonly Column[];
  rows: readonly Row[];
}

/** How a column gets its value from an object. */
interface Field<T> extends Column {
  value: (object: T) => Value;
}

const POSITION_DIGITS = 5;

function text<T>(label: TextKey, value: (object: T) => string | undefined): Field<T> {
  return { label, type: 'text', value };
}

function time<T>(label: TextKey, value: (object: T) => number | undefined): Field<T> {
  return { label, type: 'time', value };
}

function number<T>(label: TextKey, unit: Unit, value: (object: T) => number | undefined): Field<T> {
  const { name, digits } = unit;
  return {
    label, type: 'number', digits, ...(name !== '' && { unit: name }),
    value: (object) => {
      const known = value(object);
      return known === undefined ? undefined : Number(convert(known, unit).toFixed(digits));
    },
  };
}

function plain(name: string, digits = 0): Unit {
  return { name, factor: 1, digits };
}

/** The position of an object, degrees. */
function positionFields<T>(position: (object: T) => { lat?: number; lon?: number } | undefined): Field<T>[] {
  return [
    number('data.latitude', plain('°', POSITION_DIGITS), (object) => position(object)?.lat),
    number('data.longitude', plain('°', POSITION_DIGITS), (object) => position(object)?.lon),
  ];
}

/** `about`: what a click on the row of an object shows. */
function tableOf<T>(fields: readonly Field<T>[], objects: readonly T[], about: (object: T) => Partial<Row> = () => ({})): Table {
  return {
    columns: fields.map(({ label, type, unit, digits }) => ({ label, type, ...(unit !== undefined && { unit }), ...(digits !== undefined && { digits }) })),
    rows: objects.map((object) => ({ values: fields.map(({ value }) => value(object)), ...about(object) })),
  };
}

/** All objects of a kind that the air picture has, or the winds of the view. */
export function regionTable(kind: RegionTable, picture: AirPicture, winds: readonly Wind[], formats: Formats): Table {
  const { altitude, climb, speed, temperature } = formats.units;
  const device = text<{ device: number }>('fact.address', (one) => formatAddress(one.device));
  const name = text<{ name?: string }>('list.name', (one) => one.name);
  const message = text<{ text?: string }>('fact.text', (one) => one.text);
  const heard = time<{ at: number }>('fact.heard', (one) => one.at);
  const ofDevice = (one: { device: number } & Position): Partial<Row> => ({ selection: { kind: 'device', device: one.device }, position: one });
  switch (kind) {
    case 'aircraft': return tableOf<Aircraft>([
      name, device, text('data.type', (one) => aircraftKind(one.kind).label()), text('data.phase', (one) => phaseLabel(one.phase)), ...positionFields((one: Position) => one),
      number('list.altitude', altitude, (one) => one.altitudeM), number('list.climb', climb, (one) => one.climbMps), number('fact.speed', speed, (one) => one.speedKmh),
      number('fact.course', plain('°'), (one) => one.courseDeg), text('fact.alert', (one) => (one.alert === 0 ? undefined : alertLabel(one.alert))), message, heard,
    ], [...picture.aircraft.values()], ofDevice);
    case 'ground': return tableOf<Ground>([
      name, device, text('data.type', (one) => groundKind(one.kind).label()), ...positionFields((one: Position) => one), message, heard,
    ], [...picture.ground.values()], ofDevice);
    case 'alerts': return tableOf<Alert>([
      text('list.name', callerOf), device, text('fact.alert', (one) => alertLabel(one.kind)), text('data.status', statusOf), ...positionFields((one: Alert) => positionOf(one, picture)),
      time('data.since', (one) => one.openedAt), heard,
    ], [...picture.alerts.values()], (one) => ({ selection: { kind: 'device', device: one.device }, ...(positionOf(one, picture) && { position: positionOf(one, picture)! }) }));
    case 'thermals': return tableOf<Thermal>([
      text('data.id', (one) => one.id), ...positionFields((one: Position) => one), number('fact.base', altitude, (one) => one.baseM), number('fact.top', altitude, (one) => one.topM),
      number('fact.meanClimb', climb, (one) => one.meanClimbMps), number('fact.maxClimb', climb, (one) => one.maxClimbMps), number('fact.quality', plain(''), (one) => one.quality),
      number('fact.pilots', plain(''), (one) => one.pilots), number('fact.radius', altitude, (one) => one.radiusM), time('fact.lastUsed', (one) => one.at),
    ], [...picture.thermals.values()], (one) => ({ selection: { kind: 'thermal', id: one.id }, position: one }));
    case 'stations': return tableOf<Station>([
      name, device, ...positionFields((one: Position) => one), number('fact.wind', speed, (one) => one.windKmh), number('fact.gusts', speed, (one) => one.gustKmh),
      number('fact.from', plain('°'), (one) => one.windFromDeg), number('fact.temperature', temperature, (one) => one.temperatureC),
      number('fact.humidity', plain('%'), (one) => one.humidityPct), number('fact.pressure', plain('hPa'), (one) => one.pressureHpa),
      number('fact.battery', plain('%'), (one) => one.chargePct), time('fact.measured', (one) => one.at),
    ], [...picture.stations.values()], (one) => ({ selection: { kind: 'station', device: one.device }, position: one }));
    case 'winds': return tableOf<Wind>([
      number('fact.base', altitude, (one) => one.baseM), number('fact.top', altitude, (one) => one.topM), number('fact.wind', speed, (one) => one.kmh), number('fact.from', plain('°'), (one) => one.fromDeg),
      number('fact.pilots', plain(''), (one) => one.pilots), number('fact.confidence', plain('%'), (one) => one.confidencePct), text('data.id', windId), ...positionFields((one: Position) => one),
      time('fact.measured', (one) => one.lastSeenAt),
    ], winds, (one) => ({ selection: { kind: 'wind', id: windId(one) }, position: one }));
    case 'landmarks': return tableOf<Landmark>([
      text('data.id', (one) => one.id), text('data.type', (one) => landmarkLabel(one.layer)), text('fact.text', (one) => one.text), text('fact.broadcastBy', (one) => one.name ?? formatAddress(one.device)),
      ...positionFields((one: Position) => one), number('fact.base', altitude, (one) => one.bottomM), number('fact.top', altitude, (one) => one.topM), time('fact.until', (one) => one.expiresAt), heard,
    ], [...picture.landmarks.values()], (one) => ({ selection: { kind: 'landmark', id: one.id }, position: one }));
    case 'receivers': return tableOf<Receiver>([
      text('data.id', (one) => one.id), ...positionFields((one: { lat?: number; lon?: number }) => one), number('fact.frames', plain('/min'), (one) => one.framesPerMinute), heard,
    ], [...picture.receivers.values()], ({ id, lat, lon }) => ({ selection: { kind: 'receiver', id }, ...(lat !== undefined && lon !== undefined && { position: { lat, lon } }) }));
  }
}

/** Resolved calls stay in the picture for a day. */
function statusOf({ status }: Alert): string {
  if (status === AlertStatus.ALERT_STATUS_RESOLVED) return t('data.resolved');
  return t(status === AlertStatus.ALERT_STATUS_ACKNOWLEDGED ? 'alert.acknowledged' : 'data.open');
}

/** One recorded position. */
export interface Observation extends Position {
  at: number;
  altitudeM?: number;
  speedKmh?: number;
  climbMps?: number;
  courseDeg?: number;
}

export function observationTable(observations: readonly Observation[], formats: Formats): Table {
  const { altitude, climb, speed } = formats.units;
  return tableOf<Observation>([
    time('data.time', (one) => one.at), ...positionFields((one: Position) => one), number('list.altitude', altitude, (one) => one.altitudeM),
    number('fact.speed', speed, (one) => one.speedKmh), number('list.climb', climb, (one) => one.climbMps), number('fact.course', plain('°'), (one) => one.courseDeg),
  ], observations);
}

/** What a weather station measured at one time. */
export interface Reading {
  at: number;
  windKmh?: number;
  gustKmh?: number;
  windFromDeg?: number;
  temperatureC?: number;
  humidityPct?: number;
  pressureHpa?: number;
}

export function readingTable(readings: readonly Reading[], formats: Formats): Table {
  const { speed, temperature } = formats.units;
  return tableOf<Reading>([
    time('data.time', (one) => one.at), number('fact.wind', speed, (one) => one.windKmh), number('fact.gusts', speed, (one) => one.gustKmh),
    number('fact.from', plain('°'), (one) => one.windFromDeg), number('fact.temperature', temperature, (one) => one.temperatureC),
    number('fact.humidity', plain('%'), (one) => one.humidityPct), number('fact.pressure', plain('hPa', 1), (one) => one.pressureHpa),
  ], readings);
}

/** Orders rows by a column; unknown values come last whichever way it is sorted. */
export function sorted({ columns, rows }: Table, column: number, ascending: boolean): Table {
  const direction = ascending ? 1 : -1;
  const order = (a: Row, b: Row) => {
    const [left, right] = [a.values[column], b.values[column]];
    if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
    return direction * (typeof left === 'string' ? left.localeCompare(String(right)) : left - Number(right));
  };
  return { columns, rows: [...rows].sort(order) };
}

/** The rows of which a text has this part, in any case. */
export function matching({ columns, rows }: Table, search: string): Table {
  const wanted = search.trim().toLocaleLowerCase();
  if (wanted === '') return { columns, rows };
  return { columns, rows: rows.filter(({ values }) => values.some((value) => typeof value === 'string' && value.toLocaleLowerCase().includes(wanted))) };
}

/** `Altitude (m)`, `Last heard (UTC)`. */
export function headOf({ label, type, unit: name }: Column, formats: Formats): string {
  const unit = type === 'time' ? formats.zoneName : name;
  return unit === undefined ? t(label) : `${t(label)} (${unit})`;
}

/** As it is shown; empty where it is not known. */
export function textOf(value: Value, { type, digits }: Column, formats: Formats): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  return type === 'time' ? formats.sortableTime(value) : value.toFixed(digits ?? 0);
}
