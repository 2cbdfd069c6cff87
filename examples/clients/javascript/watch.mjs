// node watch.mjs ws://localhost:8090 LATITUDE LONGITUDE RADIUS_KM [DEVICE...]

import { createRequire } from 'node:module';
import { Client } from './client.mjs';

const [url, lat, lon, radius, ...follow] = process.argv.slice(2);
if (!radius) {
  console.error('watch.mjs URL LATITUDE LONGITUDE RADIUS_KM [DEVICE...]');
  process.exit(64);
}
// Node has a WebSocket of its own from 22 on.
const WebSocket = globalThis.WebSocket ?? createRequire(import.meta.url)('ws').WebSocket;
new Client({ url, region: { lat, lon, radius }, follow, WebSocket, report: (event) => console.log(JSON.stringify(event)) });
