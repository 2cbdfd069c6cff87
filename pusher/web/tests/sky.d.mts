import type { ServerMessage, Subscribe } from 'updraft-client';

export function startSky(options?: { count?: number; stepMs?: number; port?: number; config?: object; files?: Record<string, Uint8Array> }): Promise<{
  url: string;
  sky: { silence(device: number): void };
  sockets: Set<{ terminate(): void }>;
  addresses: string[];
  broadcast(message: Partial<ServerMessage>): void;
  nextSubscribe(): Promise<Subscribe>;
  close(): void;
}>;
