import type { IncomingMessage } from 'node:http';
import type { ServerMessage, Subscribe } from 'updraft-client';

export interface Answer { status?: number; body?: unknown }

export function startSky(options?: { count?: number; stepMs?: number; port?: number; config?: object; files?: Record<string, Uint8Array>; issuer?: string; api?: Record<string, (request: IncomingMessage) => Answer | Promise<Answer>> }): Promise<{
  url: string;
  sky: { silence(device: number): void; say(pilot: number, text: string): void };
  sockets: Set<{ terminate(): void; close(code: number): void }>;
  addresses: string[];
  protocols: (string | undefined)[];
  broadcast(message: Partial<ServerMessage>): void;
  nextSubscribe(): Promise<Subscribe>;
  close(): void;
}>;
