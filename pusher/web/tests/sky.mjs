// A server with a simulated sky over the Bernese Alps: serves the built page and speaks the live protocol.
// For screenshots and tests of the page alone; what it sends is no measure of the real server.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PbfReader, PbfWriter } from 'pbf';
import { WebSocketServer } from 'ws';
import { readClientMessage, writeServerMessage } from '../src/live/proto/live.js';

const DIST = join(dirname(fileURLToPath(import.meta.url)), '../dist');
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };
const NAMES = ['Anna K.', 'Beat', 'Céline', 'Dario', 'Eva-Maria', 'Fabienne', 'Gian', 'Hannes', 'Ilka', 'Jürg', 'Karl', 'Lea', 'Marco', 'Nina', 'Otto', 'Petra', 'Reto', 'Sandra', 'Toni', 'Urs'];
/** AircraftKind, its share, km/h. */
const FLEET = [[2, 60, 38], [3, 8, 55], [5, 10, 110], [4, 3, 14], [6, 5, 190], [7, 4, 170], [8, 2, 40], [1, 2, 90]];
const STEP_S = 1;

/** Writes `fixed64` from the text of a record id. */
class Writer extends PbfWriter {
  writeFixed64Field(tag, id) {
    const [partition, offset] = String(id).split('-').map(Number);
    super.writeFixed64Field(tag, partition * 2 ** 48 + offset);
  }
}

export function encodeServerMessage(message) {
  const writer = new Writer();
  writeServerMessage(message, writer);
  return writer.finish();
}

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
    const victim = this.ground.at(-1);
    this.alerts = [{
      alert_id: '3-777', device: victim.device, latitude_e7: victim.latitude_e7, longitude_e7: victim.longitude_e7, alert_kind: 15, status: 1,
      opened_at_us: (Date.now() - 260_000) * 1000, unverified: false, version: 3, age_ds: 310,
    }];
    this.receivers = Array.from({ length: 6 }, (_, i) => ({
      receiver_id: `ogn-be-${i + 1}`, latitude_e7: e7(46.45 + random() * 0.4), longitude_e7: e7(7.4 + random()), frames_per_minute: Math.round(random() * 300), estimated: i % 3 === 0, version: 2, age_ds: 10,
    }));
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

  /** Moves everybody on. */
  step(seconds = STEP_S) {
    for (const pilot of this.pilots) {
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

  aircraft(withNames) {
    return this.pilots.map((pilot) => ({
      device: pilot.device, latitude_e7: e7(pilot.lat), longitude_e7: e7(pilot.lon), altitude_m: Math.round(pilot.alt), speed_dkmh: Math.round(pilot.kmh * 10),
      climb_cmps: Math.round(pilot.climb * 100), course_deg: Math.round(pilot.course) % 360, kind_and_phase: pilot.kind + 32 * (pilot.circling ? 3 : 2), version: pilot.version, age_ds: 1,
      ...(withNames && pilot.name && { name: pilot.name }),
    }));
  }

  snapshot(request_id) {
    return {
      snapshot: {
        request_id, page: 0, live: true, cells: ['u0', 'u1', 'u2', 'u3', 'sp', 'sr'], server_at_us: Date.now() * 1000,
        objects: { aircraft: this.aircraft(true), ground: this.ground, thermals: this.thermals, stations: this.stations, receivers: this.receivers, alerts: this.alerts },
      },
    };
  }
}

function e7(degrees) {
  return Math.round(degrees * 1e7);
}

/**
 * Starts it on a free port.
 *
 * `broadcast` sends to all clients, `nextSubscribe` resolves with the next wish of one; its types are in sky.d.mts.
 */
export async function startSky({ count = 90, stepMs = 1000, port = 0 } = {}) {
  const sky = new Sky(count);
  const http = createServer((request, response) => serve(request, response));
  const sockets = new WebSocketServer({ server: http, path: '/ws/v1/updates', handleProtocols: () => 'updraft.v1.proto' });
  const subscribed = [];
  sockets.on('connection', (socket) => attach(socket, sky, (subscribe) => subscribed.splice(0).forEach((resolve) => resolve(subscribe))));
  const timer = setInterval(() => {
    sky.step();
    broadcast(sockets, { updates: { server_at_us: Date.now() * 1000, objects: { aircraft: sky.aircraft(false), ground: [], thermals: [], stations: [], receivers: [], alerts: [] }, removals: [] } });
  }, stepMs);
  const checkpoints = setInterval(() => broadcast(sockets, { checkpoint: { resume: 'sky', server_at_us: Date.now() * 1000 } }), 5000);
  await new Promise((resolve) => http.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${http.address().port}/`, sky, sockets: sockets.clients,
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

async function serve(request, response) {
  const path = normalize(new URL(request.url, 'http://sky').pathname);
  if (path.startsWith('/api/v1/devices/')) {
    const first = String((Date.now() - 3_900_000) * 1000);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({
      device: path.slice(-6), manufacturer: 'Fanet+', aircraft: { first_seen_at_us: first, take_off_at_us: first, received_by: [{ receiver_id: 'ogn-be-1', rssi_dbm: -97 }, { receiver_id: 'ogn-be-4', rssi_dbm: -109 }] },
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
    const file = path === '/' ? '/index.html' : path;
    const body = await readFile(join(DIST, file));
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(body);
  } catch {
    response.writeHead(404).end();
  }
}
