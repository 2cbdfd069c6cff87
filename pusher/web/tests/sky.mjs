// A server with a simulated sky over the Bernese Alps: serves the built page and speaks the live protocol.
// For screenshots and tests of the page alone; its data is no measure of the real server.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PbfReader, PbfWriter } from 'pbf';
import { WebSocketServer } from 'ws';
import { readClientMessage } from '../../../clients/web/src/proto/live.js';
import { writeRegionHistory } from '../../../clients/web/src/proto/rest.js';
import { encodeServerMessage } from '../../../clients/web/tests/encode.mjs';

const DIST = join(dirname(fileURLToPath(import.meta.url)), '../dist');
/** The page's policy as the server sends it, without the origins of a style. */
const POLICY = readFileSync(join(dirname(fileURLToPath(import.meta.url)), '../../src/rest/security.rs'), 'utf8')
  .match(/let policy = format!\(\s*"([^;]*;[^"]*)"/)[1].replace(/\\\n\s*/g, '').replaceAll('{origins}', '');
const policyWith = (issuer) => POLICY.replace('{issuer}', issuer === undefined ? '' : ` ${issuer}`);
const CONFIG = { center: [8, 46.6], zoom: 8, style: null, basemap: null, terrain: null };
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json', '.webmanifest': 'application/manifest+json' };
const NAMES = ['Anna K.', 'Beat', 'Céline', 'Dario', 'Eva-Maria', 'Fabienne', 'Gian', 'Hannes', 'Ilka', 'Jürg', 'Karl', 'Lea', 'Marco', 'Nina', 'Otto', 'Petra', 'Reto', 'Sandra', 'Toni', 'Urs'];
/** AircraftKind, its share, km/h. */
const FLEET = [[2, 60, 38], [3, 8, 55], [5, 10, 110], [4, 3, 14], [6, 5, 190], [7, 4, 170], [8, 2, 40], [1, 2, 90]];
const STEP_S = 1;

/** A seeded generator, so that every sky is the same. */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Sky {
  constructor(count) {
    const random = randomFrom(7);
    this.version = 1000;
    this.steppedAt = Date.now();
    this.random = random;
    this.thermals = Array.from({ length: 14 }, (_, i) => ({
      thermal_id: `${i % 24}-${5000 + i}`, latitude_e7: e7(46.35 + random() * 0.5), longitude_e7: e7(7.3 + random() * 1.3), base_altitude_m: 1400,
      top_altitude_m: 2600 + Math.round(random() * 900), mean_climb_cmps: 90 + Math.round(random() * 420), max_climb_cmps: 500, quality: 1 + Math.floor(random() * 5),
      version: 1, age_ds: 300, radius_m: 200 + Math.round(random() * 450), pilots: 1 + Math.floor(random() * 6), wind_from_deg: 240, wind_speed_dkmh: 120,
    }));
    this.pilots = FLEET.flatMap(([kind, share, kmh]) => Array.from({ length: Math.max(1, Math.round((share * count) / 94)) }, () => ({ kind, kmh })))
      .map((pilot, i) => this.#pilot(pilot, i));
    this.stations = Array.from({ length: 11 }, (_, i) => ({
      device: 0x080100 + i, latitude_e7: e7(46.4 + random() * 0.5), longitude_e7: e7(7.2 + random() * 1.5), wind_from_deg: Math.round(210 + random() * 80),
      wind_speed_dkmh: Math.round(20 + random() * 380), wind_gust_dkmh: Math.round(120 + random() * 380), temperature_dc: 84, humidity_pct: 61, version: 5,
      age_ds: 200, name: ['Niederhorn', 'Männlichen', 'Schilthorn', 'Niesen', 'Brienzer Rothorn', 'Gurten', 'Lehn', 'First', 'Amisbühl', 'Kuhmatta', 'Fiescheralp'][i], pressure_pa: 101800, state_of_charge_pct: 88,
    }));
    this.ground = [2, 3, 9, 10, 10, 13, 15].map((ground_kind, i) => ({
      device: 0x110200 + i, latitude_e7: e7(46.55 + random() * 0.25), longitude_e7: e7(7.6 + random() * 0.6), ground_kind, version: 3, age_ds: 400, name: ground_kind === 15 ? undefined : NAMES[i + 5],
      ...(ground_kind === 15 && { alert_kind: 15 }),
    }));
    // Calls for a ride and for help, and one distress call.
    this.alerts = this.ground.filter(({ ground_kind }) => [9, 13, 15].includes(ground_kind)).map((caller, i) => ({
      alert_id: `3-${775 + i}`, device: caller.device, latitude_e7: caller.latitude_e7, longitude_e7: caller.longitude_e7, alert_kind: caller.ground_kind, status: 1,
      opened_at_us: (Date.now() - 260_000) * 1000, unverified: false, version: 3, age_ds: 310, name: caller.name,
    }));
    this.receivers = Array.from({ length: 6 }, (_, i) => ({
      receiver_id: `ogn-be-${i + 1}`, latitude_e7: e7(46.45 + random() * 0.4), longitude_e7: e7(7.4 + random()), frames_per_minute: Math.round(random() * 300), estimated: i % 3 === 0, version: 2, age_ds: 10,
    }));
    // A note, a landing field and a circle to keep out of.
    const landmark = (number, lat, lon, some) => ({
      landmark_id: `7-${900 + number}`, device: 0x080100, latitude_e7: e7(lat), longitude_e7: e7(lon), latitudes_e7: [], longitudes_e7: [], radii_m: [], version: 4, age_ds: 90,
      expires_at_us: (Date.now() + 1200_000) * 1000, name: 'Niederhorn', ...some,
    });
    this.landmarks = [
      landmark(0, 46.72, 7.7, { layer: 2, shape: 1, text: 'Cable across the valley' }),
      landmark(1, 46.68, 7.87, { layer: 4, shape: 5, latitudes_e7: [466830000, 466820000], longitudes_e7: [78750000, 78790000] }),
      landmark(2, 46.55, 7.98, { layer: 3, shape: 7, radii_m: [1200], altitude_top_m: 2500 }),
    ];
  }

  #pilot({ kind, kmh }, i) {
    const random = this.random;
    const circling = (kind === 2 || kind === 3 || kind === 5) && random() < 0.55;
    const thermal = this.thermals[Math.floor(random() * this.thermals.length)];
    const near = circling ? [thermal.latitude_e7 / 1e7, thermal.longitude_e7 / 1e7] : [46.3 + random() * 0.65, 7.15 + random() * 1.6];
    return {
      device: 0x110b00 + i, kind, circling, lat: near[0] + (random() - 0.5) * 0.006, lon: near[1] + (random() - 0.5) * 0.008, course: random() * 360,
      turn: circling ? (random() < 0.5 ? -16 : 16) : (random() - 0.5) * 2, kmh: kmh * (0.85 + random() * 0.3), climb: circling ? 0.6 + random() * 4 : kind === 6 ? 0 : -0.5 - random() * 1.7,
      alt: 1500 + random() * 1500, name: random() < 0.8 ? NAMES[i % NAMES.length] + (i >= NAMES.length ? ` ${Math.floor(i / NAMES.length) + 1}` : '') : undefined, version: this.version,
    };
  }

  /** Stops the reports of a device. */
  silence(device) {
    for (const pilot of this.pilots) if (pilot.device === device) pilot.silentSince ??= Date.now();
  }

  /** A pilot broadcasts a text. */
  say(pilot, text) {
    Object.assign(this.pilots[pilot], { text, textAt: Date.now() });
  }

  /** Moves all aircraft. */
  step(seconds = STEP_S) {
    this.steppedAt = Date.now();
    for (const pilot of this.pilots) {
      if (pilot.silentSince) continue;
      const metres = (pilot.kmh / 3.6) * seconds;
      const course = (pilot.course * Math.PI) / 180;
      pilot.lat += (Math.cos(course) * metres) / 111_195;
      pilot.lon += (Math.sin(course) * metres) / (111_195 * Math.cos((pilot.lat * Math.PI) / 180));
      pilot.course = (pilot.course + pilot.turn * seconds + 360) % 360;
      pilot.alt = Math.min(4200, Math.max(900, pilot.alt + pilot.climb * seconds));
      if (this.random() < 0.02) pilot.climb += (this.random() - 0.5) * 1.5;
      pilot.version = ++this.version;
    }
  }

  /** `all`: with names, and with devices that stopped reporting. */
  aircraft(all) {
    return this.pilots.filter(({ silentSince }) => all || !silentSince).map((pilot) => ({
      device: pilot.device, latitude_e7: e7(pilot.lat), longitude_e7: e7(pilot.lon), altitude_m: Math.round(pilot.alt), speed_dkmh: Math.round(pilot.kmh * 10),
      climb_cmps: Math.round(pilot.climb * 100), course_deg: Math.round(pilot.course) % 360, kind_and_phase: pilot.kind + 32 * (pilot.circling ? 3 : 2), version: pilot.version,
      age_ds: pilot.silentSince ? Math.round((Date.now() - pilot.silentSince) / 100) : 1,
      ...(all && pilot.name && { name: pilot.name }),
      ...(pilot.text && { text: pilot.text, text_at_us: pilot.textAt * 1000 }),
    }));
  }

  snapshot(request_id) {
    return {
      snapshot: {
        request_id, page: 0, live: true, cells: ['u0', 'u1', 'u2', 'u3', 'sp', 'sr'], server_at_us: Date.now() * 1000,
        objects: { aircraft: this.aircraft(true), ground: this.ground, thermals: this.thermals, stations: this.stations, receivers: this.receivers, alerts: this.alerts, landmarks: this.landmarks },
      },
    };
  }
}

/** Recorded flights stay the same at each request. */
const STARTED = Date.now();
/** The aircraft of the recorded past: they fly circles. */
const PAST_COUNT = 40;
const PAST_PAGE = 2000;

/** Every minute: someone who walks, someone who calls for help in the first half of each hour, and a station. */
function othersOf(kind, { from, to }) {
  const minutes = Array.from({ length: Math.max(0, Math.floor((to - from) / 60_000)) }, (_, i) => from + i * 60_000);
  const at = (time, device, latitude_deg, longitude_deg) => ({ device, event_at_us: time * 1000, latitude_deg, longitude_deg });
  if (kind === 'weather') return { readings: minutes.map((time) => ({ ...at(time, 0x120d01, 46.62, 7.78), wind_from_deg: 240, wind_speed_kmh: 23, wind_gust_kmh: 31, temperature_c: 8.4 })) };
  return { ground: minutes.flatMap((time) => [{ ...at(time, 0x120c01, 46.64, 7.9), ground_kind: 2 }, { ...at(time, 0x120c02, 46.58, 7.82), ground_kind: time % 3_600_000 < 1_800_000 ? 15 : 10 }]) };
}

/** A page of `/api/v1/history`; its cursor is the number of the first position. */
function pastOf(query) {
  const [from, to] = [Date.parse(query.get('from')), Date.parse(query.get('to'))];
  const stepMs = Number(query.get('step')) * 1000;
  if (query.has('kind')) {
    const names = [{ device: 0x120c02, name: 'Past walker' }, { device: 0x120d01, name: 'Past station' }];
    return { server_time: '', from: query.get('from'), to: query.get('to'), step_s: stepMs / 1000, positions: [], names, ground: [], readings: [], ...othersOf(query.get('kind'), { from, to }) };
  }
  const times = Array.from({ length: Math.max(0, Math.ceil(to / stepMs) - Math.ceil(from / stepMs)) }, (_, i) => (Math.ceil(from / stepMs) + i) * stepMs);
  const first = Number(query.get('cursor') ?? 0);
  const count = times.length * PAST_COUNT;
  const positions = Array.from({ length: Math.min(PAST_PAGE, count - first) }, (_, i) => {
    const [at, pilot] = [times[Math.floor((first + i) / PAST_COUNT)], (first + i) % PAST_COUNT];
    const angle = at / 60_000 + pilot;
    return {
      device: 0x120b00 + pilot, event_at_us: at * 1000, latitude_deg: 46.6 + 0.2 * Math.sin(pilot) + 0.02 * Math.sin(angle), longitude_deg: 7.85 + 0.4 * Math.cos(pilot * 1.7) + 0.03 * Math.cos(angle),
      altitude_m: 1500 + pilot * 20, speed_kmh: 38, climb_mps: 1, course_deg: 90, aircraft_kind: 2,
    };
  });
  const next = first + positions.length < count ? String(first + positions.length) : undefined;
  const names = Array.from({ length: PAST_COUNT }, (_, pilot) => ({ device: 0x120b00 + pilot, name: `Past ${pilot}` }));
  return { server_time: '', from: query.get('from'), to: query.get('to'), step_s: stepMs / 1000, positions, names, next, ground: [], readings: [] };
}

/** The thermals of the recorded past, as the export has them: one in the middle of the requested time, and one that begins later. */
function pastThermals(to) {
  const time = (hours) => new Date(to - hours * 3_600_000).toISOString();
  const rest = '2100,300,1400,2600,2.2,4,240,12,3,8,90';
  return [
    'thermal_id,first_seen_at_utc,last_seen_at_utc,latitude_deg,longitude_deg,altitude_m,radius_m,base_altitude_m,top_altitude_m,mean_climb_mps,max_climb_mps,wind_from_deg,wind_speed_kmh,pilots,reports,confidence_pct',
    `"9-1",${time(8)},${time(6)},46.6,7.7,${rest}`, `"9-2",${time(2)},${time(1)},46.7,7.9,${rest}`, '',
  ].join('\r\n');
}

function e7(degrees) {
  return Math.round(degrees * 1e7);
}

/**
 * Starts it on a free port.
 *
 * `config`: the content of /config.json; `files`: further files by path. `broadcast` sends to all clients, `addresses`: of each connection, the newest last; `nextSubscribe` resolves
 * with the next Subscribe of one; `protocols`: the subprotocols that each connection offered. `api`: answers of other endpoints by
 * path; `issuer`: the origin of an identity provider, for the page's policy. The types are in sky.d.mts.
 */
export async function startSky({ count = 90, stepMs = 1000, port = 0, config, files = {}, issuer, api = {} } = {}) {
  const sky = new Sky(count);
  const http = createServer((request, response) => serve(request, response, { config, files, api, sky, policy: policyWith(issuer) }));
  const sockets = new WebSocketServer({ server: http, path: '/ws/v1/updates', handleProtocols: () => 'updraft.v1.proto' });
  const subscribed = [];
  const addresses = [];
  const protocols = [];
  sockets.on('connection', (socket, request) => {
    addresses.push(request.url);
    protocols.push(request.headers['sec-websocket-protocol']);
    attach(socket, sky, (subscribe) => subscribed.splice(0).forEach((resolve) => resolve(subscribe)));
  });
  const timer = setInterval(() => {
    sky.step();
    broadcast(sockets, { updates: { server_at_us: Date.now() * 1000, objects: { aircraft: sky.aircraft(false), ground: [], thermals: [], stations: [], receivers: [], alerts: [], landmarks: [] }, removals: [] } });
  }, stepMs);
  const checkpoints = setInterval(() => broadcast(sockets, { checkpoint: { resume: 'sky', server_at_us: Date.now() * 1000 } }), 5000);
  await new Promise((resolve) => http.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${http.address().port}/`, sky, sockets: sockets.clients, addresses, protocols,
    broadcast: (message) => broadcast(sockets, message),
    nextSubscribe: () => new Promise((resolve) => subscribed.push(resolve)),
    close() {
      clearInterval(timer);
      clearInterval(checkpoints);
      for (const socket of sockets.clients) socket.terminate();
      http.close();
    },
  };
}

function attach(socket, sky, subscribed) {
  const send = (message) => socket.send(encodeServerMessage(message));
  send({ welcome: { server_at_us: Date.now() * 1000, version: 'sky', epoch: 'e1', heartbeat_interval_s: 30, limits: { max_radius_km: 200, max_cells: 64, max_followed_devices: 20, max_subscribes_per_minute: 60, max_message_bytes: 4096 } } });
  send(sky.snapshot(0));
  socket.on('message', (bytes) => {
    const message = readClientMessage(new PbfReader(new Uint8Array(bytes)));
    if (message.ping) send({ pong: { request_id: message.request_id, server_at_us: Date.now() * 1000 } });
    if (!message.subscribe) return;
    send(sky.snapshot(message.request_id));
    subscribed(message.subscribe);
  });
}

function broadcast(sockets, message) {
  const bytes = encodeServerMessage(message);
  for (const socket of sockets.clients) if (socket.readyState === 1) socket.send(bytes);
}

/** When the frame behind the last step passed the programs. */
function wayOf({ pilots, steppedAt }, device) {
  const pilot = pilots.find((one) => one.device === device);
  const at = (before) => String((steppedAt - before) * 1000);
  return pilot && { version: String(pilot.version), receiver_at_us: String(Math.floor((steppedAt - 400) / 1000) * 1_000_000), bridge_at_us: at(46), processor_at_us: at(21), pusher_at_us: at(9) };
}

/** The bytes, or the range of them that was requested. */
function send(request, response, bytes, type, policy) {
  const headers = { 'content-type': type, 'content-security-policy': policy };
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  if (first === undefined) {
    response.writeHead(200, headers).end(bytes);
    return;
  }
  const part = bytes.subarray(Number(first), Number(last) + 1);
  response.writeHead(206, { ...headers, 'content-range': `bytes ${first}-${Number(first) + part.length - 1}/${bytes.length}` }).end(part);
}

async function serve(request, response, { config, files, api, sky, policy }) {
  const path = normalize(new URL(request.url, 'http://sky').pathname);
  if (api[path]) {
    const { status = 200, body } = await api[path](request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    return;
  }
  if (path === '/config.json') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...CONFIG, ...config }));
    return;
  }
  if (files[path]) {
    send(request, response, files[path], 'application/vnd.pmtiles', policy);
    return;
  }
  if (path === '/api/v1/history') {
    const writer = new PbfWriter();
    writeRegionHistory(pastOf(new URL(request.url, 'http://sky').searchParams), writer);
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(writer.finish());
    return;
  }
  if (path === '/api/v1/export') {
    const to = Date.parse(new URL(request.url, 'http://sky').searchParams.get('to'));
    response.writeHead(200, { 'content-type': 'text/csv' }).end(pastThermals(to));
    return;
  }
  if (path.startsWith('/api/v1/devices/')) {
    const first = String((Date.now() - 3_900_000) * 1000);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({
      device: path.slice(-6), manufacturer: 'Fanet+', way: wayOf(sky, parseInt(path.slice(-6), 16)), aircraft: { first_seen_at_us: first, take_off_at_us: first, received_by: [{ receiver_id: 'ogn-be-1', rssi_dbm: -97, snr_db: 7 }, { receiver_id: 'ogn-be-4', rssi_dbm: -109 }] },
    }));
    return;
  }
  if (path === '/api/v1/search') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({
      pilots: [{ device: '0A0B0C', name: 'Zora Fern', aircraft_kind: 'hang_glider', position: { latitude_deg: 44.3, longitude_deg: 5.8 } }], ground: [], stations: [],
    }));
    return;
  }
  if (path === '/api/v1/receivers') {
    const coverage = Array.from({ length: 36 }, (_, i) => ({ bearing_deg: i * 10, distance_m: 15_000 + 9000 * Math.sin(i) }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({
      receivers: Array.from({ length: 6 }, (_, i) => ({ receiver_id: `ogn-be-${i + 1}`, coverage, ...(i === 0 && {
        clock_trouble: 'offset', clock_offset_us: '34125867', first_seen_at_us: '1780300000000000', frames: '900', unusable_frames: '100', set_aside_since_us: '1780300000000000', set_aside_reason: 'truncated_payload',
      }) })),
    }));
    return;
  }
  if (path === '/api/v1/silent') {
    const us = (hours) => String((Date.now() - hours * 3_600_000) * 1000);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({
      aircraft: [
        {
          device: '120B03', name: 'Past 3', aircraft_kind: 'paraglider', take_off_at_us: us(5), silent_since_us: us(3), position: { latitude_deg: 46.6, longitude_deg: 7.9, altitude_m: 2100 },
          speed_kmh: 38, climb_mps: -6.1, course_deg: 250, received_by: [{ receiver_id: 'ogn-be-1' }, { receiver_id: 'ogn-be-4' }], in_coverage: true, covered_by: ['ogn-be-4', 'ogn-be-2'],
        },
        {
          device: '120B04', aircraft_kind: 'hang_glider', take_off_at_us: us(9), silent_since_us: us(8), position: { latitude_deg: 46.7, longitude_deg: 7.8 }, in_coverage: false, received_by: [],
          ground_kind: 'landed_well', ground_at_us: us(7),
        },
      ],
      truncated: false,
    }));
    return;
  }
  if (path === '/api/v1/sign-in') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ status: 'off', server_time: new Date().toISOString() }));
    return;
  }
  if (path === '/api/v1/zones') {
    response.writeHead(200, { 'content-type': 'application/geo+json' }).end(JSON.stringify({ type: 'FeatureCollection', truncated: false, features: [] }));
    return;
  }
  if (path === '/api/v1/winds') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({
      winds: Array.from({ length: 12 }, (_, i) => ({
        wind: {
          cell: `u0m${i}`, base_altitude_m: 1500 + 500 * (i % 3), top_altitude_m: 2000 + 500 * (i % 3), wind_from_deg: 230 + 10 * i, wind_speed_kmh: 10 + 5 * i, pilots: 1 + i, confidence_pct: 90,
          last_seen_at_us: String((Date.now() - 600_000) * 1000),
        },
        position: { latitude_deg: 46.5 + 0.17 * Math.floor(i / 4), longitude_deg: 7.2 + 0.35 * (i % 4) },
      })),
    }));
    return;
  }
  if (/^\/api\/v1\/weather\/[0-9A-F]{6}\/history$/.test(path)) {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({
      readings: Array.from({ length: 70 }, (_, i) => ({
        event_at_us: String((Date.now() - (70 - i) * 600_000) * 1000), wind_speed_kmh: 12 + 8 * Math.sin(i / 9), wind_gust_kmh: 20 + 12 * Math.sin(i / 9), temperature_c: 8 + 4 * Math.sin(i / 9),
      })),
    }));
    return;
  }
  if (path === '/api/v1/flights') {
    const us = (hours) => String((STARTED - hours * 3_600_000) * 1000);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({
      flights: [[26, 24, 41_234.5, 2810], [50, 49, 12_000, 2100], [400, 399, 1, 1]].map(([from, to, distance_m, max_altitude_m]) => ({ take_off_at_us: us(from), landed_at_us: us(to), distance_m, max_altitude_m })),
    }));
    return;
  }
  if (path.startsWith('/api/v1/track/')) {
    const at = (minutes) => String((Date.now() - minutes * 60_000) * 1000);
    const points = (from, count) => Array.from({ length: count }, (_, i) => ({
      event_at_us: at(from - i), latitude_deg: 46.6 + i * 0.002, longitude_deg: 7.8, altitude_m: 1800, climb_mps: 1,
    }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({
      device: path.slice(-6), segments: [{ points: points(90, 20) }, { points: points(40, 30) }],
    }));
    return;
  }
  try {
    const file = { '/': '/index.html', '/operate': '/operate.html' }[path] ?? path;
    send(request, response, await readFile(join(DIST, file)), TYPES[extname(file)] ?? 'application/octet-stream', policy);
  } catch {
    response.writeHead(404).end();
  }
}
