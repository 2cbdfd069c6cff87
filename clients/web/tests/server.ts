// A server that speaks the protocol over a real socket, without the programs behind it: a few pilots who fly north.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { PbfReader } from 'pbf';
import { WebSocketServer, type WebSocket } from 'ws';
import { readClientMessage, type ClientMessage } from '../src/proto/live.js';
import { encodeServerMessage } from './encode.mjs';
import { aircraft, objects } from './wire.js';

export interface TestServer {
  url: string;
  /** The address of each connection, the newest last. */
  addresses: string[];
  /** The subprotocols that each connection offered. */
  protocols: string[];
  /** What clients sent. */
  messages: ClientMessage[];
  sockets: Set<WebSocket>;
  broadcast(message: object): void;
  close(): void;
}

export async function startServer({ count = 20, stepMs = 50 } = {}): Promise<TestServer> {
  let step = 0;
  const pilots = (named: boolean) => Array.from({ length: count }, (_, i) => aircraft({
    device: 0x110b00 + i, latitude_e7: 466_000_000 + step * 100, version: 1000 + step, ...(named && { name: `Pilot ${i}` }),
  }));
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/ws/v1/updates', handleProtocols: () => 'updraft.v1.proto' });
  await once(sockets, 'listening');
  const addresses: string[] = [];
  const protocols: string[] = [];
  const messages: ClientMessage[] = [];
  const snapshot = (request_id: number) => ({
    snapshot: {
      request_id, page: 0, live: true, cells: ['u0'], server_at_us: Date.now() * 1000,
      objects: objects({ aircraft: pilots(true), stations: [{ device: 0x080100, latitude_e7: 466_000_000, longitude_e7: 80_000_000, version: 5, age_ds: 0, name: 'Niesen' }] }),
    },
  });
  sockets.on('connection', (socket, request) => {
    addresses.push(request.url ?? '');
    protocols.push(request.headers['sec-websocket-protocol'] ?? '');
    socket.send(encodeServerMessage({ welcome: { server_at_us: Date.now() * 1000, version: '1', epoch: 'e1', heartbeat_interval_s: 30 } }));
    socket.send(encodeServerMessage(snapshot(0)));
    socket.on('message', (data) => {
      const message = readClientMessage(new PbfReader(data as Uint8Array));
      messages.push(message);
      if (message.subscribe) socket.send(encodeServerMessage(snapshot(message.request_id)));
    });
  });
  const broadcast = (message: object) => {
    const bytes = encodeServerMessage(message);
    for (const socket of sockets.clients) socket.send(bytes);
  };
  const timer = setInterval(() => {
    step++;
    broadcast({ updates: { server_at_us: Date.now() * 1000, objects: objects({ aircraft: pilots(false) }), removals: [] } });
    broadcast({ checkpoint: { resume: `step-${step}`, server_at_us: Date.now() * 1000 } });
  }, stepMs);
  return {
    url: `ws://127.0.0.1:${(sockets.address() as AddressInfo).port}/ws/v1/updates`, addresses, protocols, messages, sockets: sockets.clients, broadcast,
    close() {
      clearInterval(timer);
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
    },
  };
}
