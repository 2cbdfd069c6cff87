// Small tile archives for tests: a made-up hill, and a base map with one lake.
import { GeoJSONVT } from '@maplibre/geojson-vt';
import { fromGeojsonVt } from '@maplibre/vt-pbf';
import { crc32, deflateSync } from 'node:zlib';
import { TILE_TYPE, writePmtiles } from '../scripts/pmtiles-writer.mjs';

const SIDE = 256;
/** The archives hold the tiles of this zoom that the bounds touch. */
const ZOOM = 9;
const BOUNDS = [6.5, 46, 9.2, 47.2];

/** Metres above sea level of the hill: 2800 m at its top at 46.62 N 7.85 E, 600 m around it. */
export function hillM(lat, lon) {
  return 600 + 2200 * Math.exp(-(((lat - 46.62) / 0.12) ** 2) - ((lon - 7.85) / 0.18) ** 2);
}

/** Terrarium: red * 256 + green + blue / 256 - 32768. `heightM`: of the ground, from latitude and longitude. */
export function terrainArchive({ heightM = hillM, zooms = [ZOOM], bounds = BOUNDS } = {}) {
  return writePmtiles(zooms.flatMap((zoom) => tiles(zoom, bounds)).map(({ z, x, y }) => ({ z, x, y, data: png((px, py) => {
    const [lat, lon] = degrees(x + (px + 0.5) / SIDE, y + (py + 0.5) / SIDE, z);
    const metres = heightM(lat, lon) + 32_768;
    return [Math.floor(metres / 256), Math.floor(metres) % 256, Math.floor((metres % 1) * 256)];
  }) })), { tileType: TILE_TYPE.png, bounds, metadata: { name: 'A hill', attribution: 'Made-up terrain' } });
}

/** Land, a lake with a name, a road and a town, in the Protomaps schema. */
export function basemapArchive() {
  const ring = (west, south, east, north) => [[west, south], [east, south], [east, north], [west, north], [west, south]];
  const layers = {
    earth: [{ type: 'Feature', properties: { kind: 'earth' }, geometry: { type: 'Polygon', coordinates: [ring(...BOUNDS)] } }],
    water: [{ type: 'Feature', properties: { kind: 'lake' }, geometry: { type: 'Polygon', coordinates: [ring(7.6, 46.5, 7.8, 46.56)] } }],
    roads: [{ type: 'Feature', properties: { kind: 'highway' }, geometry: { type: 'LineString', coordinates: [[7.4, 46.7], [8.3, 46.7]] } }],
    places: [{ type: 'Feature', properties: { kind: 'locality', name: 'Probestadt', min_zoom: 5, population_rank: 9 }, geometry: { type: 'Point', coordinates: [7.95, 46.5] } }],
  };
  const cut = Object.entries(layers).map(([name, features]) => [name, new GeoJSONVT({ type: 'FeatureCollection', features }, { maxZoom: ZOOM, indexMaxZoom: ZOOM })]);
  const made = tiles().map(({ z, x, y }) => ({
    z, x, y,
    data: fromGeojsonVt(Object.fromEntries(cut.map(([name, index]) => [name, index.getTile(z, x, y)]).filter(([, tile]) => tile)), { version: 2 }),
  }));
  return writePmtiles(made, { tileType: TILE_TYPE.mvt, bounds: BOUNDS, metadata: { name: 'A town', attribution: 'Made-up map', vector_layers: Object.keys(layers).map((id) => ({ id, fields: {} })) } });
}

function tiles(z = ZOOM, bounds = BOUNDS) {
  const at = (lat, lon) => {
    const sine = Math.sin((lat * Math.PI) / 180);
    return [Math.floor(((lon + 180) / 360) * 2 ** z), Math.floor((0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * 2 ** z)];
  };
  const [west, south, east, north] = bounds;
  const [[x0, y1], [x1, y0]] = [at(south, west), at(north, east)];
  return Array.from({ length: (x1 - x0 + 1) * (y1 - y0 + 1) }, (_, i) => ({ z, x: x0 + (i % (x1 - x0 + 1)), y: y0 + Math.floor(i / (x1 - x0 + 1)) }));
}

function degrees(x, y, z) {
  return [(Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / 2 ** z))) * 180) / Math.PI, (x / 2 ** z) * 360 - 180];
}

/** A PNG image, eight bits each of red, green and blue: https://www.w3.org/TR/png/ */
function png(colour) {
  const rows = Buffer.alloc(SIDE * (1 + SIDE * 3));
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) rows.set(colour(x, y), y * (1 + SIDE * 3) + 1 + x * 3);
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(SIDE, 0);
  head.writeUInt32BE(SIDE, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'ascii'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
