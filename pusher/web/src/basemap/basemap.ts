import type { GeoJSONSource, Map as MapLibre } from 'maplibre-gl';
import { loadWorld, type World } from './atlas';
import { graticule } from './graticule';
import { viewOf } from './view';

/** From here on the finer coast and border lines show. */
const FINE_ZOOM = 5.5;

/** Fills the sources of the offline style, the fine lines only once somebody looks closely. */
export class Basemap {
  readonly #map: MapLibre;
  #world: World | undefined;
  #fine = false;

  constructor(map: MapLibre) {
    this.#map = map;
    map.on('moveend', () => this.#moved());
  }

  /** To be called whenever a style has been loaded. */
  async fill(): Promise<void> {
    if (!this.#map.getSource('land')) return;
    this.#world ??= await loadWorld('coarse');
    this.#show();
    this.#moved();
  }

  #moved(): void {
    this.#source('graticule')?.setData(graticule(viewOf(this.#map)));
    if (this.#fine || !this.#world || this.#map.getZoom() < FINE_ZOOM) return;
    this.#fine = true;
    loadWorld('fine').then((world) => { this.#world = world; this.#show(); }, (error) => {
      this.#fine = false;
      console.warn(error);
    });
  }

  #show(): void {
    if (!this.#world) return;
    this.#source('land')?.setData(this.#world.land);
    this.#source('borders')?.setData(this.#world.borders);
  }

  #source(id: string): GeoJSONSource | undefined {
    return this.#map.getSource<GeoJSONSource>(id);
  }
}
