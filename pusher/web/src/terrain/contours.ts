import type { GeoJSONSource, Map as MapLibre } from 'maplibre-gl';
import { viewOf } from '../basemap/view';
import { degreesOf } from './dem';
import { isolines } from './isolines';
import type { Terrain } from './terrain';

/** From this zoom on, this many metres between two lines; every fifth line is thick and shows its height. */
const INTERVALS = [[9, 500], [10, 200], [11.5, 100], [13, 50], [14.5, 20]] as const;
const THICK_EVERY = 5;
/** Tiles at this many zoom levels below the view: about a dozen cover it. */
const ZOOM_OUT = 1;
const STEPS_PER_TILE = 64;

/** The metres between two contour lines at a zoom; undefined: the zoom is too small for contour lines. */
export function contourInterval(zoom: number): number | undefined {
  return INTERVALS.findLast(([from]) => zoom >= from)?.[1];
}

/** Draws the contour lines of the view whenever it rests. */
export class Contours {
  readonly #map: MapLibre;
  readonly #terrain: Terrain;
  /** What was drawn last. */
  #drawn = '';
  #turn = 0;

  constructor(map: MapLibre, terrain: Terrain) {
    this.#map = map;
    this.#terrain = terrain;
  }

  /** `fresh`: the style was changed and the drawn lines were removed. */
  async draw(fresh = false): Promise<void> {
    if (fresh) this.#drawn = '';
    const turn = ++this.#turn;
    const zoom = this.#map.getZoom();
    const interval = contourInterval(zoom);
    const view = viewOf(this.#map);
    const wanted = interval === undefined ? 'none' : [interval, view.south, view.west, view.north, view.east].join();
    if (wanted === this.#drawn) return;
    const grid = interval === undefined ? undefined : await this.#terrain.grid(view, Math.floor(zoom) - ZOOM_OUT, STEPS_PER_TILE);
    if (turn !== this.#turn) return;
    this.#drawn = wanted;
    const features = interval === undefined || !grid ? [] : isolines(grid, interval).map(({ metres, points }): GeoJSON.Feature => ({
      type: 'Feature',
      properties: { metres, thick: metres % (interval * THICK_EVERY) === 0 },
      geometry: { type: 'LineString', coordinates: points.map(([x, y]) => degreesOf(grid.x + x * grid.step, grid.y + y * grid.step, grid.zoom)) },
    }));
    this.#map.getSource<GeoJSONSource>('contours')?.setData({ type: 'FeatureCollection', features });
  }
}
