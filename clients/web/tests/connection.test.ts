// The session over a real socket, against a simulated server.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Connection } from '../src/connection.js';
import { AirPicture } from '../src/picture.js';
import { Session } from '../src/session.js';
import { startServer, type TestServer } from './server.js';
import { objects, removal } from './wire.js';

const COUNT = 94;
const KINDS = [1, 2, 3, 4, 6];
const BERN = { circle: { latitude_deg: 46.6, longitude_deg: 7.9, radius_km: 100 } };

let connection: Connection | undefined;
let server: TestServer;

beforeEach(async () => {
  server = await startServer({ count: COUNT });
});

afterEach(() => {
  connection?.close();
  server.close();
  vi.restoreAllMocks();
});

function connect(): Session {
  const session = new Session(new AirPicture(), () => 0);
  connection = new Connection(session, server.url, { WebSocket: WebSocket as never });
  connection.want({ region: BERN, kinds: KINDS, follow: [] });
  return session;
}

const within = { timeout: 5000, interval: 10 };

it('shows the snapshot, then updates', async () => {
  const session = connect();
  const { picture } = session;
  await vi.waitFor(() => expect(picture.aircraft.size).toBe(COUNT), within);
  const [device, before] = [...picture.aircraft.values()].map(({ device, lat }) => [device, lat] as const)[0]!;
  await vi.waitFor(() => expect(picture.aircraft.get(device)?.lat).not.toBe(before), within);
  expect([...picture.aircraft.values()].filter(({ name }) => name !== undefined).length).toBe(COUNT);
  await vi.waitFor(() => expect(session.stats.rate(Date.now())).toBeGreaterThan(COUNT), within);
});

it('drops objects that the server removes', async () => {
  const { picture } = connect();
  await vi.waitFor(() => expect(picture.stations.size).toBeGreaterThan(0), within);
  const station = [...picture.stations.values()][0]!;
  server.broadcast({ updates: { server_at_us: 0, objects: objects({}), removals: [removal({ object_kind: 4, device: station.device, version: 99 })] } });
  await vi.waitFor(() => expect(picture.stations.get(station.device)).toBeUndefined(), within);
});

it('reconnects after the connection was cut', async () => {
  const session = connect();
  await vi.waitFor(() => expect(session.status).toBe('live'), within);
  for (const socket of server.sockets) socket.terminate();
  await vi.waitFor(() => expect(session.status).toBe('waiting'), within);
  await vi.waitFor(() => expect(session.status).toBe('live'), within);
  expect(session.picture.aircraft.size).toBe(COUNT);
});

it('reconnects after an invalid message', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
  const session = connect();
  await vi.waitFor(() => expect(session.status).toBe('live'), within);
  for (const socket of server.sockets) socket.send(Uint8Array.of(0x0a, 0xff));
  await vi.waitFor(() => expect(session.status).not.toBe('live'), within);
  expect(console.error).toHaveBeenCalled();
});

it('pauses, and catches up from where it was', async () => {
  const session = connect();
  const { picture } = session;
  await vi.waitFor(() => expect(session.status).toBe('live'), within);
  // The token comes with the first step of the server.
  const before = picture.aircraft.get(0x110b00)!.lat;
  await vi.waitFor(() => expect(picture.aircraft.get(0x110b00)!.lat).toBeGreaterThan(before), within);
  connection!.pause();
  expect(session.status).toBe('paused');
  await vi.waitFor(() => expect(server.sockets.size).toBe(0), within);
  expect(picture.aircraft.size).toBe(COUNT);
  connection!.unpause();
  await vi.waitFor(() => expect(session.status).toBe('live'), within);
  expect(server.addresses.at(-1)).toMatch(/resume=step-\d+/);
});

it('changes its rate while connected, and counts bytes', async () => {
  const session = connect();
  await vi.waitFor(() => expect(session.status).toBe('live'), within);
  connection!.setRate('5s');
  await vi.waitFor(() => expect(server.messages.at(-1)?.subscribe?.rate).toBe(3), within);
  expect(server.addresses).toHaveLength(1);
  expect(connection!.traffic.totalBytes).toBeGreaterThan(1000);
});

it('waits for a server that refuses it', async () => {
  const session = new Session(new AirPicture(), () => 1);
  connection = new Connection(session, 'ws://127.0.0.1:1/ws/v1/updates', { WebSocket: WebSocket as never });
  connection.want({ region: BERN, kinds: KINDS, follow: [] });
  await vi.waitFor(() => expect(session.status).toBe('waiting'), within);
  await vi.waitFor(() => expect(session.failedAttempts).toBe(2), within);
});

it('sends the newest token with each attempt', async () => {
  const tokens: (string | undefined)[] = ['a.b-c_d', 'second', undefined, 'not/one'];
  const session = new Session(new AirPicture(), () => 0);
  connection = new Connection(session, server.url, { WebSocket: WebSocket as never, token: () => Promise.resolve(tokens[server.protocols.length]) });
  connection.want({ region: BERN, kinds: KINDS, follow: [] });
  await vi.waitFor(() => expect(session.isResumable).toBe(true), within);
  for (const socket of server.sockets) socket.close(4005);
  await vi.waitFor(() => expect(server.protocols.length).toBe(2), within);
  expect(server.addresses[1]).toContain('resume=');
  await vi.waitFor(() => expect(session.status).toBe('live'), within);
  // Signed out, then something that no subprotocol may be.
  connection.reconnect();
  await vi.waitFor(() => expect(server.protocols.length).toBe(3), within);
  await vi.waitFor(() => expect(session.status).toBe('live'), within);
  connection.reconnect();
  await vi.waitFor(() => expect(server.protocols.length).toBe(4), within);
  expect(server.protocols).toEqual(['updraft.v1.proto,updraft.bearer.a.b-c_d', 'updraft.v1.proto,updraft.bearer.second', 'updraft.v1.proto', 'updraft.v1.proto']);
});

it('connects without a token that cannot be had', async () => {
  const session = new Session(new AirPicture(), () => 0);
  connection = new Connection(session, server.url, { WebSocket: WebSocket as never, token: () => Promise.reject(new Error('no answer')) });
  connection.want({ region: BERN, kinds: KINDS, follow: [] });
  await vi.waitFor(() => expect(session.status).toBe('live'), within);
  connection.close();
  let answer = (_: string) => {};
  const late = new Connection(new Session(new AirPicture(), () => 0), server.url, { WebSocket: WebSocket as never, token: () => new Promise((resolve) => { answer = resolve; }) });
  late.want({ region: BERN, kinds: KINDS, follow: [] });
  late.close();
  answer('late');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(server.protocols.length).toBe(1);
});
