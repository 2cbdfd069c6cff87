// The facts of each kind of object in the details: pairs of a label and a text.
import { FlightPhase, formatAddress, LandmarkLayer, type Aircraft, type Alert, type Ground, type Landmark, type Position, type Receiver, type Station, type Thermal, type Tracked } from 'updraft-client';
import { callOf, nearestHelpers, positionOf } from '../live/alerts';
import type { ReceiverReport } from '../live/receiver-reports';
import type { Wind } from '../live/winds';
import type { Scene } from '../map/scene';
import { MAX_AHEAD_S, type Estimate } from '../motion/extrapolate';
import { formatAge, formatCourse, formatPosition, formatInteger, UNKNOWN } from '../settings/formats';
import { t, type TextKey } from '../settings/language';
import { callText } from './calls';
import { timeOf, type DeviceView } from './device-view';

export interface Fact {
  label: TextKey;
  text: string;
  /** Needs the full width. */
  wide?: boolean;
  /** Devices to select, in place of the text. */
  links?: readonly { device: number; text: string }[];
}

const PHASES: Record<number, TextKey> = {
  [FlightPhase.FLIGHT_PHASE_ON_GROUND]: 'phase.ground',
  [FlightPhase.FLIGHT_PHASE_FLYING]: 'phase.flying',
  [FlightPhase.FLIGHT_PHASE_CIRCLING]: 'phase.circling',
  [FlightPhase.FLIGHT_PHASE_LANDED]: 'phase.landed',
};
/** Why a receiver's frames are unusable, by the server's codes. */
const UNUSABLE: readonly (readonly [codes: RegExp, text: TextKey])[] = [
  [/_too_short$|^truncated_|^no_|^incomplete_/, 'unusable.incomplete'], [/^(latitude|longitude)_/, 'unusable.position'], [/_not_unicast$|_with_data$|^too_few_/, 'unusable.protocol'],
];
/** A fix that is younger than this is shown without an estimate. */
const NOW_MS = 2000;

export function phaseLabel(phase: number): string | undefined {
  const key = PHASES[phase];
  return key && t(key);
}

/** The last heard fix and its age; an estimate has its own label, and is only shown while it is made. */
export function aircraftFacts(aircraft: Aircraft, estimate: Estimate, scene: Scene): Fact[] {
  const { now, formats, isLive } = scene;
  const ageMs = now - aircraft.at;
  const estimated = ageMs > NOW_MS && ageMs <= MAX_AHEAD_S * 1000 && (aircraft.speedKmh ?? 0) > 0;
  return [
    fact('fact.altitude', formats.altitude(aircraft.altitudeM)),
    ...agl(aircraft, scene),
    fact('fact.climb', aircraft.climbMps === undefined ? UNKNOWN : `${formats.climb(aircraft.climbMps)} ${formats.climbUnit}`),
    fact('fact.speed', formats.speed(aircraft.speedKmh)),
    fact('fact.course', formatCourse(aircraft.courseDeg)),
    // In the past a position is on the way from one that was heard to the next.
    ...(isLive || ageMs > NOW_MS ? [heard('fact.heard', aircraft, scene), wide('fact.position', formatPosition(aircraft.lat, aircraft.lon))]
      : [wide('fact.place', formatPosition(aircraft.lat, aircraft.lon))]),
    ...(isLive && estimated ? [wide('fact.estimate', `${formatPosition(estimate.lat, estimate.lon)}${estimate.altitudeM === undefined ? '' : `, ${formats.altitude(estimate.altitudeM)}`}`)] : []),
    ...textOf(aircraft, scene),
    ...distance(aircraft, scene),
  ];
}

export function groundFacts(ground: Ground, scene: Scene): Fact[] {
  return [heard('fact.heard', ground, scene), ...textOf(ground, scene), ...distance(ground, scene), wide('fact.position', formatPosition(ground.lat, ground.lon))];
}

/** The open call of a device, and the nearest helpers. */
export function callFacts(device: number, { picture, formats }: Scene): Fact[] {
  const call = callOf(device, picture);
  if (!call) return [];
  const facts = [wide('fact.alert', callText(call, formats))];
  const position = positionOf(call, picture);
  const helpers = position ? nearestHelpers(device, position, picture) : [];
  if (helpers.length > 0) facts.push({ ...wide('fact.nearest', ''), links: helpers.map(({ device, label, km }) => ({ device, text: `${label} ${formats.distance(km)}` })) });
  return facts;
}

/** What is known of a caller that the air picture has no other state of. */
export function callerFacts(call: Alert, scene: Scene): Fact[] {
  const { at, lat, lon } = call;
  return lat !== undefined && lon !== undefined ? lastFacts({ at, lat, lon }, scene) : [heard('fact.heard', call, scene)];
}

/** Where and when something was heard last. */
export function lastFacts(last: Position & { at: number }, scene: Scene): Fact[] {
  return [heard('fact.heard', last, scene), ...distance(last, scene), wide('fact.position', formatPosition(last.lat, last.lon))];
}

export function stationFacts(station: Station, scene: Scene): Fact[] {
  const { formats } = scene;
  return [
    fact('fact.wind', formats.speed(station.windKmh)),
    fact('fact.gusts', formats.speed(station.gustKmh)),
    fact('fact.from', formatCourse(station.windFromDeg)),
    fact('fact.temperature', formats.temperature(station.temperatureC)),
    fact('fact.humidity', formatInteger(station.humidityPct, '%')),
    fact('fact.pressure', formatInteger(station.pressureHpa, 'hPa')),
    fact('fact.battery', formatInteger(station.chargePct, '%')),
    heard('fact.measured', station, scene),
    wide('fact.place', formatPosition(station.lat, station.lon)),
    ...distance(station, scene),
  ];
}

export function thermalFacts(thermal: Thermal, scene: Scene): Fact[] {
  const { formats } = scene;
  const climb = (mps: number) => `${formats.climb(mps)} ${formats.climbUnit}`;
  return [
    fact('fact.meanClimb', climb(thermal.meanClimbMps)),
    fact('fact.maxClimb', climb(thermal.maxClimbMps)),
    fact('fact.base', formats.altitude(thermal.baseM)),
    fact('fact.top', formats.altitude(thermal.topM)),
    fact('fact.radius', formats.altitude(thermal.radiusM)),
    fact('fact.pilots', String(thermal.pilots)),
    fact('fact.quality', t('fact.of5', { quality: thermal.quality })),
    fact('fact.wind', thermal.windKmh === undefined ? UNKNOWN : t('fact.windFrom', { speed: formats.speed(thermal.windKmh), course: formatCourse(thermal.windFromDeg) })),
    heard('fact.lastUsed', thermal, scene),
    ...distance(thermal, scene),
  ];
}

const LANDMARKS: Partial<Record<LandmarkLayer, TextKey>> = {
  [LandmarkLayer.LANDMARK_LAYER_INFO]: 'landmark.info', [LandmarkLayer.LANDMARK_LAYER_WARNING]: 'landmark.warning',
  [LandmarkLayer.LANDMARK_LAYER_KEEP_OUT]: 'landmark.keepOut', [LandmarkLayer.LANDMARK_LAYER_TOUCH_DOWN]: 'landmark.touchDown',
};

export function landmarkLabel(layer: LandmarkLayer): string {
  return t(LANDMARKS[layer] ?? 'landmark.other');
}

export function landmarkFacts(landmark: Landmark, scene: Scene): Fact[] {
  const { bottomM, topM, device, name, expiresAt } = landmark;
  const { formats } = scene;
  return [
    ...(bottomM === undefined ? [] : [fact('fact.base', formats.altitude(bottomM))]),
    ...(topM === undefined ? [] : [fact('fact.top', formats.altitude(topM))]),
    wide('fact.broadcastBy', name === undefined ? formatAddress(device) : `${name} (${formatAddress(device)})`),
    heard('fact.heard', landmark, scene),
    fact('fact.until', formats.time(expiresAt)),
    wide('fact.place', formatPosition(landmark.lat, landmark.lon)),
    ...distance(landmark, scene),
  ];
}

export function receiverFacts(receiver: Receiver, scene: Scene): Fact[] {
  const { lat, lon } = receiver;
  return [
    fact('fact.frames', t('fact.perMinute', { count: receiver.framesPerMinute })),
    heard('fact.heard', receiver, scene),
    wide('fact.place', lat === undefined || lon === undefined ? t('fact.notKnown') : formatPosition(lat, lon)),
    wide('fact.howKnown', t(receiver.estimated ? 'fact.estimated' : 'fact.stated')),
    ...health(scene.receiverReport(receiver.id), scene),
  ];
}

const CLOCK_TROUBLES: Record<string, TextKey> = { offset: 'clock.offset', jumped: 'clock.jumped', standing: 'clock.standing', drifting: 'clock.drifting' };

/** What the server reports about a receiver; problems only where there are some. */
function health(report: ReceiverReport | undefined, { formats }: Scene): Fact[] {
  if (!report) return [];
  const { firstHeardAt, unusable, setAside } = report;
  return [
    ...(firstHeardAt === undefined ? [] : [fact('fact.firstHeard', formats.dateTime(firstHeardAt))]),
    ...(unusable ? [fact('fact.unusable', `${unusable.frames} (${unusable.pct.toFixed(1)} %)`)] : []),
    ...(setAside ? [wide('fact.setAside', `${t('alert.since', { time: formats.dateTime(setAside.since) })} · ${unusableText(setAside.reason)}`)] : []),
    ...clock(report),
  ];
}

/** `incomplete (truncated_payload)`: with the code, as the logs and metrics of the server have it. */
function unusableText(code: string): string {
  const key = UNUSABLE.find(([codes]) => codes.test(code))?.[1] ?? 'unusable.other';
  return `${t(key)} (${code})`;
}

function clock({ clockTrouble, clockOffsetMs }: ReceiverReport): Fact[] {
  if (clockTrouble === undefined) return [];
  const off = clockOffsetMs === undefined ? '' : ` (${clockOffsetMs < 0 ? '−' : '+'}${formatAge(Math.abs(clockOffsetMs))})`;
  return [wide('fact.clock', `${t(CLOCK_TROUBLES[clockTrouble] ?? 'clock.other')}${off}`)];
}

export function windFacts(wind: Wind, scene: Scene): Fact[] {
  const { formats } = scene;
  return [
    fact('fact.wind', formats.speed(wind.kmh)), fact('fact.from', formatCourse(wind.fromDeg)),
    fact('fact.base', formats.altitude(wind.baseM)), fact('fact.top', formats.altitude(wind.topM)),
    fact('fact.pilots', String(wind.pilots)), fact('fact.confidence', formatInteger(wind.confidencePct, '%')),
    heard('fact.measured', { at: wind.lastSeenAt }, scene),
    ...otherBands(wind, scene),
    wide('fact.place', formatPosition(wind.lat, wind.lon)),
    ...distance(wind, scene),
  ];
}

/** The winds above and below, the highest first: a line each. */
function otherBands({ cell, baseM }: Wind, { winds, formats, now }: Scene): Fact[] {
  const others = winds.filter((other) => other.cell === cell && other.baseM !== baseM).sort((a, b) => b.baseM - a.baseM);
  const lines = others.map(({ baseM, topM, kmh, fromDeg, lastSeenAt }) => {
    const wind = t('fact.windFrom', { speed: formats.speed(kmh), course: formatCourse(fromDeg) });
    return `${formats.band(baseM, topM)}: ${wind}, ${t('fact.ago', { age: formatAge(now - lastSeenAt), time: formats.timeOfDay(lastSeenAt) })}`;
  });
  return lines.length === 0 ? [] : [wide('fact.otherBands', lines.join('\n'))];
}

/** Facts of a device that only the server has. */
export function deviceFacts(device: number, view: DeviceView | undefined, { formats }: Scene): Fact[] {
  const facts = [fact('fact.address', formatAddress(device))];
  if (view?.manufacturer) facts.push(wide('fact.manufacturer', view.manufacturer));
  const state = view?.aircraft ?? view?.ground ?? view?.station;
  if (state?.unverified) facts.push(fact('fact.trust', t('fact.notVerified')));
  const times: [TextKey, string | undefined][] = [
    ['fact.takeOff', state?.take_off_at_us], ['fact.landing', state?.landed_at_us], ['fact.firstHeard', state?.first_seen_at_us],
  ];
  for (const [label, us] of times) {
    const at = timeOf(us);
    if (at !== undefined) facts.push(fact(label, formats.time(at)));
  }
  const receivers = state?.received_by?.map(({ receiver_id, rssi_dbm, snr_db }) => {
    const signal = [rssi_dbm === undefined ? '' : `${rssi_dbm} dBm`, snr_db === undefined ? '' : `SNR ${snr_db} dB`].filter(Boolean).join(', ');
    return signal === '' ? receiver_id : `${receiver_id} (${signal})`;
  });
  if (receivers?.length) facts.push(wide('fact.receivedBy', receivers.join(', ')));
  return facts;
}

function fact(label: TextKey, text: string): Fact {
  return { label, text };
}

function wide(label: TextKey, text: string): Fact {
  return { label, text, wide: true };
}

/** The text that the device has broadcast, with its age. */
function textOf({ text, textAt }: Aircraft | Ground, { now, formats }: Scene): Fact[] {
  if (text === undefined || textAt === undefined) return [];
  return [wide('fact.text', `${text} (${t('fact.ago', { age: formatAge(now - textAt), time: formats.timeOfDay(textAt) })})`)];
}

function heard(label: TextKey, { at }: Pick<Tracked, 'at'>, { now, formats }: Scene): Fact {
  return fact(label, t('fact.ago', { age: formatAge(now - at), time: formats.timeOfDay(at) }));
}

function agl({ lat, lon, altitudeM }: Aircraft, { elevationAt, formats }: Scene): Fact[] {
  const ground = altitudeM === undefined ? undefined : elevationAt(lat, lon);
  return ground === undefined || altitudeM === undefined ? [] : [fact('fact.agl', formats.altitude(Math.max(0, altitudeM - ground)))];
}

function distance(position: { lat: number; lon: number }, { distanceFromHere }: Scene): Fact[] {
  const text = distanceFromHere(position);
  return text === undefined ? [] : [fact('fact.distance', text)];
}
