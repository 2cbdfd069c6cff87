// Writes PMTiles archives, version 3: https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md
import { gzipSync } from 'node:zlib';

const HEADER_BYTES = 127;
/** Readers fetch the header and the root directory in one request of this many bytes. */
const FIRST_FETCH_BYTES = 16_384;
const LEAF_ENTRIES = 2048;
const COMPRESSION = { none: 1, gzip: 2 };
export const TILE_TYPE = { mvt: 1, png: 2, jpeg: 3, webp: 4 };

/** The number of a tile along the Hilbert curve, all zooms before it counted. */
export function tileId(z, x, y) {
  let before = 0;
  for (let i = 0; i < z; i++) before += 4 ** i;
  let [at, tx, ty] = [0, x, y];
  for (let side = 2 ** z / 2; side >= 1; side /= 2) {
    const rx = (tx & side) > 0 ? 1 : 0;
    const ry = (ty & side) > 0 ? 1 : 0;
    at += side * side * ((3 * rx) ^ ry);
    if (ry === 0) {
      if (rx === 1) [tx, ty] = [side - 1 - (tx & (side - 1)), side - 1 - (ty & (side - 1))];
      [tx, ty] = [ty, tx];
    }
  }
  return before + at;
}

/**
 * An archive of tiles: `[{ z, x, y, data }]`. Vector tiles are compressed here, images are taken as they are; equal tiles are
 * stored once. `bounds`: west, south, east, north.
 */
export function writePmtiles(tiles, { tileType, metadata, bounds = [-180, -85, 180, 85], center = [0, 0, 0] }) {
  const compress = tileType === TILE_TYPE.mvt;
  const { entries, data, contents } = collect(tiles, compress);
  const { root, leaves } = directories(entries);
  const meta = gzipSync(JSON.stringify(metadata));
  const zooms = tiles.map(({ z }) => z);
  const offsets = { root: HEADER_BYTES, meta: HEADER_BYTES + root.length };
  offsets.leaves = offsets.meta + meta.length;
  offsets.data = offsets.leaves + leaves.length;
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('PMTiles', 0, 'ascii');
  header.writeUInt8(3, 7);
  const spans = [[offsets.root, root.length], [offsets.meta, meta.length], [offsets.leaves, leaves.length], [offsets.data, data.length]];
  spans.flat().concat(entries.reduce((sum, { run }) => sum + run, 0), entries.length, contents)
    .forEach((value, i) => header.writeBigUInt64LE(BigInt(value), 8 + 8 * i));
  header.writeUInt8(1, 96);
  header.writeUInt8(COMPRESSION.gzip, 97);
  header.writeUInt8(compress ? COMPRESSION.gzip : COMPRESSION.none, 98);
  header.writeUInt8(tileType, 99);
  header.writeUInt8(Math.min(...zooms), 100);
  header.writeUInt8(Math.max(...zooms), 101);
  bounds.forEach((degrees, i) => header.writeInt32LE(Math.round(degrees * 1e7), 102 + 4 * i));
  header.writeUInt8(center[2], 118);
  header.writeInt32LE(Math.round(center[0] * 1e7), 119);
  header.writeInt32LE(Math.round(center[1] * 1e7), 123);
  return Buffer.concat([header, root, meta, leaves, data]);
}

function collect(tiles, compress) {
  const sorted = tiles.map(({ z, x, y, data }) => ({ id: tileId(z, x, y), data })).sort((a, b) => a.id - b.id);
  const known = new Map();
  const parts = [];
  const entries = [];
  let length = 0;
  for (const { id, data } of sorted) {
    const key = Buffer.from(data).toString('latin1');
    let span = known.get(key);
    if (!span) {
      const stored = compress ? gzipSync(data, { level: 9 }) : Buffer.from(data);
      span = { offset: length, length: stored.length };
      known.set(key, span);
      parts.push(stored);
      length += stored.length;
    }
    const last = entries.at(-1);
    if (last && last.offset === span.offset && last.id + last.run === id) last.run++;
    else entries.push({ id, run: 1, ...span });
  }
  return { entries, data: Buffer.concat(parts), contents: known.size };
}

function directories(entries) {
  const root = directory(entries);
  if (HEADER_BYTES + root.length <= FIRST_FETCH_BYTES) return { root, leaves: Buffer.alloc(0) };
  const leaves = [];
  const pointers = [];
  let offset = 0;
  for (let at = 0; at < entries.length; at += LEAF_ENTRIES) {
    const leaf = directory(entries.slice(at, at + LEAF_ENTRIES));
    // A run of 0 marks a directory.
    pointers.push({ id: entries[at].id, run: 0, offset, length: leaf.length });
    leaves.push(leaf);
    offset += leaf.length;
  }
  return { root: directory(pointers), leaves: Buffer.concat(leaves) };
}

/** Columns of varints: ids as differences, runs, lengths, and offsets plus one (0: directly after the previous one). */
function directory(entries) {
  const bytes = [];
  const put = (value) => {
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
    bytes.push(rest);
  };
  put(entries.length);
  entries.forEach(({ id }, i) => put(id - (entries[i - 1]?.id ?? 0)));
  for (const { run } of entries) put(run);
  for (const { length } of entries) put(length);
  entries.forEach(({ offset }, i) => {
    const before = entries[i - 1];
    put(before && before.offset + before.length === offset ? 0 : offset + 1);
  });
  return gzipSync(Buffer.from(bytes), { level: 9 });
}
