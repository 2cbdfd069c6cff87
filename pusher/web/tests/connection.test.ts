// The session over a real socket, against a server that is not ours.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Connection } from '../src/live/connection';
import { AirPicture } from '../src/live/picture';
import { Session } from '../src/live/session';
import { startSky } from './sky.mjs';
import { objects, removal } from './wire';

const COUNT = 94;
const KINDS = [1, 2, 3, 4, 6];
const BERN = { circle: { latitude_deg: 46.6, longitude_deg: 7.9, radius_km: 100 } };

let connection: Connection | undefined;
let sky: Awaited<ReturnType<typeof startSky>>;

beforeEach(async () => {
  vi.stubGlobal('WebSocket', WebSocket);
  vi.stubGlobal('addEventListener', () => {});
  vi.stubGlobal('document', { addEventListener: () => {}, visibilityState: 'visible' });
  sky = await startSky({ count: COUNT, stepMs: 50 });
});

afterEach(() => {
  connection?.close();
  sky.close();
  vi.unstubAllGlobals();
});

function connect(): Session {
  const session = new Session(new AirPicture(), () => 0);
  connection = new Connection(session, `${sky.url.replace('http', 'ws')}ws/v1/updates`);
  connection.want({ region: BERN, kinds: KINDS, follow: [] });
  return session;
}

const within = { timeout: 5000, interval: 10 };

it('shows the snapshot, then what moves', async () => {
  const session = connect();
  const { picture } = session;
  await vi.waitFor(() => expect(picture.aircraft.size).toBe(COUNT), within);
  const [device, before] = [...picture.aircraft.values()].map(({ device, lat }) => [device, lat] as const)[0]!;
  await vi.waitFor(() => expect(picture.aircraft.get(device)?.lat).not.toBe(before), within);
  expect([...picture.aircraft.values()].filter(({ name }) => name !== undefined).length).toBeGreaterThan(COUNT / 2);
  await vi.waitFor(() => expect(session.stats.rate(Date.now())).toBeGreaterThan(COUNT), within);
});

it('drops what the server removes', async () => {
  const { picture } = connect();
  await vi.waitFor(() => expect(picture.stations.size).toBeGreaterThan(0), within);
  const station = [...picture.stations.values()][0]!;
  sky.broadcast({ updates: { server_at_us: 0, objects: objects({}), removals: [removal({ object_kind: 4, device: station.device, version: 99 })] } });
  await vi.waitFor(() => expect(picture.stations.get(station.device)).toBeUndefined(), within);
});

it('comes back after the connection was cut', async () => {
  const session = connect();
  await vi.waitFor(() => expect(session.status).toBe('live'), within);
  for (const socket of sky.sockets) socket.terminate();
  await vi.waitFor(() => expect(session.status).toBe('waiting'), within);
  await vi.waitFor(() => expect(session.status).toBe('live'), within);
  expect(session.picture.aircraft.size).toBe(COUNT);
});

it('does not trust a server that talks nonsense', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
  const session = connect();
  await vi.waitFor(() => expect(session.status).toBe('live'), within);
  for (const socket of sky.sockets) (socket as unknown as WebSocket).send(Uint8Array.of(0x0a, 0xff));
  await vi.waitFor(() => expect(session.status).not.toBe('live'), within);
  expect(console.error).toHaveBeenCalled();
});
