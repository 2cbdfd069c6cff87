import type { ServerMessage, Subscribe } from '../src/live/proto/live.js';

export function encodeServerMessage(message: object): Uint8Array<ArrayBuffer>;
export function startSky(options?: { count?: number; stepMs?: number; port?: number }): Promise<{
  url: string;
  sockets: Set<{ terminate(): void }>;
  broadcast(message: Partial<ServerMessage>): void;
  nextSubscribe(): Promise<Subscribe>;
  close(): void;
}>;
