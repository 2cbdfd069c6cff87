import type { GeoJSONSource, Map as MapLibre } from 'maplibre-gl';
import { viewOf } from '../basemap/view';
import { Formats, type Unit } from '../settings/formats';
import { degreesOf } from './dem';
import { isolines } from './isolines';
import type { Terrain } from './terrain';

/** From this zoom on, this many metres or feet between two lines; every fifth line is thick and shows its height. */
const METRES = [[9, 500], [10, 200], [11.5, 100], [13, 50], [14.5, 20]] as const;
const FEET = [[9, 2000], [10, 1000], [11.5, 500], [13, 200], [14.5, 100]] as const;
const THICK_EVERY = 5;
/** Tiles at this many zoom levels below the view: about a dozen cover it. */
const ZOOM_OUT = 1;
const STEPS_PER_TILE = 64;

/** The metres between two contour lines at a zoom, round in the user's unit; undefined: the zoom is too small for contour lines. */
export function contourInterval(zoom: number, { name, factor }: Unit): number | undefined {
  const found = (name === 'ft' ? FEET : METRES).findLast(([from]) => zoom >= from)?.[1];
  return found && found / factor;
}

/** Draws the contour lines of the view whenever it rests. */
export class Contours {
  readonly #map: MapLibre;
  readonly #terrain: Terrain;
  /** What was drawn last. */
  #drawn = '';
  #turn = 0;
  #formats = new Formats('metric');

  constructor(map: MapLibre, terrain: Terrain) {
    this.#map = map;
    this.#terrain = terrain;
  }

  setFormats(formats: Formats): void {
    this.#formats = formats;
    void this.draw(true);
  }

  /** `fresh`: the style was changed and the drawn lines were removed. */
  async draw(fresh = false): Promise<void> {
    if (fresh) this.#drawn = '';
    const turn = ++this.#turn;
    const zoom = this.#map.getZoom();
    const interval = contourInterval(zoom, this.#formats.units.altitude);
    const view = viewOf(this.#map);
    const wanted = interval === undefined ? 'none' : [interval, view.south, view.west, view.north, view.east].join();
    if (wanted === this.#drawn) return;
    const grid = interval === undefined ? undefined : await this.#terrain.grid(view, Math.floor(zoom) - ZOOM_OUT, STEPS_PER_TILE);
    if (turn !== this.#turn) return;
    this.#drawn = wanted;
    const features = interval === undefined || !grid ? [] : isolines(grid, interval).map(({ metres, points }): GeoJSON.Feature => ({
      type: 'Feature',
      properties: { metres, label: this.#formats.altitude(metres), thick: Math.round(metres / interval) % THICK_EVERY === 0 },
      geometry: { type: 'LineString', coordinates: points.map(([x, y]) => degreesOf(grid.x + x * grid.step, grid.y + y * grid.step, grid.zoom)) },
    }));
    this.#map.getSource<GeoJSONSource>('contours')?.setData({ type: 'FeatureCollection', features });
  }
}
