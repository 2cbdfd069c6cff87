import type { PMTiles } from 'pmtiles';
import type { View } from 'updraft-client';
import { decodeDem, sampleDem, tilePosition, type DemTile, type Encoding } from './dem';
import type { Grid } from './isolines';

/** Finer tiles (of 256 pixels) improve the height above ground little, and there are many of them. */
const SAMPLE_ZOOM = 12;
/** Elevations that are kept, four bytes each: 256 tiles of 256 pixels, 64 of 512. The oldest are removed first. */
const MAX_KEPT = 256 * 256 * 256;
/** Tiles of one grid of contour lines. */
const MAX_GRID_TILES = 48;
const USUAL_SIDE = 256;
/** The largest number of requests at the same time. */
const MAX_REQUESTS = 6;
/** A tile that could not be read is requested again after this time, ms. */
const RETRY_MS = 30_000;

type Slot = { tile: DemTile | undefined } | { retryAt: number } | 'loading';

/** A part of the elevation model, with where it lies. */
export interface TerrainGrid extends Grid {
  zoom: number;
  /** Of the first column and row, in tiles. */
  x: number;
  y: number;
  /** Of one step of the grid, in tiles. */
  step: number;
}

/** The elevation model of a PMTiles archive: tiles are fetched when they are needed, the last ones are kept. */
export class Terrain {
  readonly #archive: PMTiles;
  readonly #encoding: Encoding;
  readonly #slots = new Map<string, Slot>();
  #requests = 0;
  #side = USUAL_SIDE;
  #zooms: { min: number; max: number } | undefined;

  constructor(archive: PMTiles, encoding: Encoding) {
    this.#archive = archive;
    this.#encoding = encoding;
    archive.getHeader().then(
      ({ minZoom, maxZoom }) => { this.#zooms = { min: minZoom, max: maxZoom }; },
      (error) => console.warn('the terrain cannot be read', error),
    );
  }

  /** Pixels along a side of its tiles, as one in its middle has them. */
  async tileSide(): Promise<number> {
    const { minZoom, minLon, maxLon, minLat, maxLat } = await this.#archive.getHeader();
    const { x, y } = tilePosition((minLat + maxLat) / 2, (minLon + maxLon) / 2, minZoom);
    return (await this.#load(minZoom, x, y))?.side ?? USUAL_SIDE;
  }

  /** Metres above sea level; undefined where the model ends, and until its tile has come. */
  elevationAt(lat: number, lon: number): number | undefined {
    if (!this.#zooms) return undefined;
    const zoom = Math.min(SAMPLE_ZOOM - Math.round(Math.log2(this.#side / USUAL_SIDE)), this.#zooms.max);
    const { x, y, fx, fy } = tilePosition(lat, lon, zoom);
    const tile = this.#tile(zoom, x, y);
    return tile && sampleDem(tile, fx, fy);
  }

  /** Elevations of a view, thinned to `perTile` steps a tile; undefined where the model has none. */
  async grid(view: View, wantedZoom: number, perTile: number): Promise<TerrainGrid | undefined> {
    await this.#archive.getHeader();
    if (!this.#zooms) return undefined;
    const zoom = Math.min(this.#zooms.max, Math.max(this.#zooms.min, wantedZoom));
    const count = 2 ** zoom;
    const first = tilePosition(view.north, view.west, zoom);
    const last = tilePosition(view.south, view.west, zoom);
    const columns = Math.ceil(first.fx + ((view.east - view.west) / 360) * count);
    const rows = last.y - first.y + 1;
    if (columns * rows > MAX_GRID_TILES) return undefined;
    const tiles = await Promise.all(Array.from({ length: columns * rows }, (_, i) =>
      this.#load(zoom, (first.x + (i % columns)) % count, first.y + Math.floor(i / columns))));
    const [width, height] = [columns * perTile + 1, rows * perTile + 1];
    const metres = new Float32Array(width * height).fill(Number.NaN);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [column, row] = [Math.min(columns - 1, Math.floor(x / perTile)), Math.min(rows - 1, Math.floor(y / perTile))];
        const tile = tiles[row * columns + column];
        if (tile) metres[y * width + x] = sampleDem(tile, x / perTile - column, y / perTile - row);
      }
    }
    // The longitudes of the view are not wrapped at the date line.
    const turns = Math.floor((view.west + 180) / 360);
    return { width, height, metres, zoom, x: first.x + turns * count, y: first.y, step: 1 / perTile };
  }

  /** The tile, if it is there; otherwise it is fetched for the next time. */
  #tile(zoom: number, x: number, y: number): DemTile | undefined {
    const slot = this.#slots.get(keyOf(zoom, x, y));
    if (slot && slot !== 'loading' && 'tile' in slot) return slot.tile;
    if (slot === 'loading' || this.#requests >= MAX_REQUESTS) return undefined;
    if (slot && slot.retryAt > Date.now()) return undefined;
    void this.#load(zoom, x, y);
    return undefined;
  }

  async #load(zoom: number, x: number, y: number): Promise<DemTile | undefined> {
    const key = keyOf(zoom, x, y);
    const known = this.#slots.get(key);
    if (known && known !== 'loading' && 'tile' in known) return known.tile;
    this.#slots.set(key, 'loading');
    this.#requests++;
    try {
      const answer = await this.#archive.getZxy(zoom, x, y);
      const tile = answer && await this.#decode(answer.data);
      this.#keep(key, { tile });
      return tile;
    } catch (error) {
      console.warn('a tile of the terrain cannot be read', error);
      this.#keep(key, { retryAt: Date.now() + RETRY_MS });
      return undefined;
    } finally {
      this.#requests--;
    }
  }

  async #decode(data: ArrayBuffer): Promise<DemTile> {
    // Colours are numbers here: the browser must not adapt them to the screen.
    const image = await createImageBitmap(new Blob([data]), { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
    const canvas = new OffscreenCanvas(image.width, image.height);
    const g = canvas.getContext('2d', { willReadFrequently: true });
    if (!g) throw new Error('this browser draws no canvas');
    g.drawImage(image, 0, 0);
    image.close();
    this.#side = canvas.width;
    return decodeDem(g.getImageData(0, 0, canvas.width, canvas.height).data, canvas.width, this.#encoding);
  }

  #keep(key: string, slot: Slot): void {
    this.#slots.delete(key);
    this.#slots.set(key, slot);
    const oldest = this.#slots.keys().next();
    if (this.#slots.size > MAX_KEPT / this.#side ** 2 && !oldest.done) this.#slots.delete(oldest.value);
  }
}

function keyOf(zoom: number, x: number, y: number): string {
  return `${zoom}/${x}/${y}`;
}
