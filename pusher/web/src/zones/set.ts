// Sets of zones on the server, as files of GeoJSON: read, extended, written and removed.
import type { Position } from 'updraft-client';

export type ZoneFile = GeoJSON.FeatureCollection;

/** What the user says of a zone. */
export interface Description {
  name: string;
  /** As airspace files have it. */
  class: string;
  /** `GND`, `FL95`, `1500 m`, `300 m AGL`; empty: the ground. */
  floor: string;
  /** The same; empty: none. */
  ceiling: string;
}

/** The server, or the user's session, does not allow a change. The message is for the user. */
export class Refused extends Error {}

/** A zone has as many corners at least. */
export const MIN_CORNERS = 3;
const DEADLINE_MS = 40_000;
const GEOJSON = 'application/geo+json';

export function isSetName(text: string): boolean {
  return /^[a-z0-9-]{1,48}$/.test(text);
}

/** The file with one more zone. */
export function withZone(file: ZoneFile, { name, class: zoneClass, floor, ceiling }: Description, corners: readonly Position[]): ZoneFile {
  const ring = [...corners, ...corners.slice(0, 1)].map(({ lat, lon }) => [Number(lon.toFixed(6)), Number(lat.toFixed(6))]);
  const zone: GeoJSON.Feature = {
    type: 'Feature', geometry: { type: 'Polygon', coordinates: [ring] },
    properties: { name: name.trim(), class: zoneClass.trim(), floor: floor.trim() || 'GND', ceiling: ceiling.trim() || 'UNL' },
  };
  return { type: 'FeatureCollection', features: [...file.features, zone] };
}

/** The media type of a file, by its name. */
export function mediaTypeOf(fileName: string): string {
  return /\.(geo)?json$/i.test(fileName) ? GEOJSON : 'text/plain';
}

/** The zones of a set; none where there is no such set. */
export async function readSet(set: string): Promise<ZoneFile> {
  const response = await send(`./api/v1/zones?set=${set}`, {});
  return await response.json() as ZoneFile;
}

/** Replaces a set by a file. How many zones it has now. */
export async function writeSet(set: string, body: Blob | ZoneFile, type: string, token: string | undefined): Promise<number> {
  const content = body instanceof Blob ? body : JSON.stringify(body);
  const response = await send(`./api/v1/zones/${set}`, { method: 'PUT', body: content, headers: { 'content-type': type, ...bearer(token) } });
  return (await response.json() as { zones: number }).zones;
}

/** Adds one zone to a set. */
export async function addZone(set: string, description: Description, corners: readonly Position[], token: string | undefined): Promise<number> {
  return await writeSet(set, withZone(await readSet(set), description, corners), GEOJSON, token);
}

export async function removeSet(set: string, token: string | undefined): Promise<void> {
  await send(`./api/v1/zones/${set}`, { method: 'DELETE', headers: bearer(token) });
}

function bearer(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

async function send(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, signal: AbortSignal.timeout(DEADLINE_MS) });
  } catch (error) {
    throw new Refused(error instanceof Error ? error.message : String(error));
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => undefined) as { detail?: unknown } | undefined;
  throw new Refused(typeof problem?.detail === 'string' ? problem.detail : `HTTP ${response.status}`);
}
