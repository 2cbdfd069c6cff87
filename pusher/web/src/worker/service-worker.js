// Starts the page without a network: keeps the page's own files, each version in a cache of its own. Answers of the API, tiles of the
// operator and /config.json always come from the server. The build writes what stands between the two marks.
const VERSION = /*version*/ 'development' /*version*/;
const FILES = /*files*/ [] /*files*/;

const PREFIX = 'updraft-';
const CACHE = PREFIX + VERSION;
const scope = self.registration.scope;
const known = new Set(FILES.map((file) => new URL(file, scope).href));

self.addEventListener('install', (event) => event.waitUntil(keepFiles()));
self.addEventListener('activate', (event) => event.waitUntil(dropOtherVersions()));

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET') return;
  const url = new URL(request.url);
  if (request.mode === 'navigate' && url.origin + url.pathname === scope) event.respondWith(page(request));
  else if (known.has(url.href)) event.respondWith(file(request));
});

self.addEventListener('push', (event) => event.waitUntil(showEvent(event.data.json())));

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(showDevice(event.notification.data.device));
});

/** The page itself is needed; the ground below the map may be missing, and is large. */
async function keepFiles() {
  const cache = await caches.open(CACHE);
  const isLarge = (name) => name.endsWith('.pmtiles');
  await cache.addAll(['./', ...FILES.filter((name) => !isLarge(name))]);
  if (navigator.connection?.saveData) return;
  await Promise.all(FILES.filter(isLarge).map((name) => cache.add(name).catch(() => {})));
}

/** Runs once no page of an older version is open any more. */
async function dropOtherVersions() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)));
}

/** The newest page of the server; without it, the kept one. */
async function page(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await match('./');
    if (kept) return kept;
    throw error;
  }
}

/** The name of a file changes with its content: what is kept is right. */
async function file(request) {
  const kept = await match(request.url);
  if (!kept) return fetch(request);
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get('range') ?? '');
  return range ? part(kept, Number(range[1]), Number(range[2])) : kept;
}

async function match(url) {
  const cache = await caches.open(CACHE);
  return cache.match(url, { ignoreVary: true });
}

/** Caches keep complete answers only. */
async function part(kept, first, last) {
  const bytes = await kept.arrayBuffer();
  const body = bytes.slice(first, last + 1);
  const headers = new Headers(kept.headers);
  headers.set('content-range', `bytes ${first}-${first + body.byteLength - 1}/${bytes.byteLength}`);
  headers.set('content-length', String(body.byteLength));
  return new Response(body, { status: 206, headers });
}

/** Shows what the server has sent. The tag is that of the page's own notifications: one event shows once. */
async function showEvent({ data: { title, text, device, zone_event: zone } }) {
  const about = zone ? `${zone.set}/${zone.zone_id}` : 'call';
  await self.registration.showNotification(title, { body: text, tag: `${device}-${about}`, icon: './icon-192.png', data: { device: parseInt(device, 16) } });
}

/** Shows the device of a clicked notification in an open page, else in a new one. */
async function showDevice(device) {
  const [open] = await self.clients.matchAll({ type: 'window' });
  if (open) {
    await open.focus();
    open.postMessage({ select: device });
    return;
  }
  await self.clients.openWindow(`${scope}#device=${device.toString(16).toUpperCase().padStart(6, '0')}`);
}
