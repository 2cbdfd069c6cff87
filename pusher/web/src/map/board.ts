import { AttributionControl, Map as MapLibre, NavigationControl, ScaleControl, setWorkerUrl } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url';
import { Basemap } from '../basemap/basemap';
import { offlineStyle } from '../basemap/style';
import type { Theme } from '../basemap/theme';
import { viewOf } from '../basemap/view';
import type { Region, View } from '../live/region';
import { isSameSelection, type Selection } from '../selection';
import { Beacons } from './beacons';
import { AircraftLayer } from './layers/aircraft';
import { GroundLayer } from './layers/ground';
import type { Layer, LayerKey } from './layers/layer';
import { ReceiverLayer } from './layers/receivers';
import { StationLayer } from './layers/stations';
import { ThermalLayer } from './layers/thermals';
import { TrailLayer } from './layers/trails';
import { Rim } from './rim';
import type { Scene } from './scene';
import { drawById } from './symbols/resolve';

/** A finger is wider than a symbol. Pixels. */
const PICK_PX = 12;

export interface BoardOptions {
  container: HTMLElement;
  center: [lon: number, lat: number];
  zoom: number;
  theme: Theme;
  /** Of an online base map; without one the offline map is drawn. */
  styleUrl: string | undefined;
  hidden: ReadonlySet<LayerKey>;
  onView: (view: View) => void;
  onPick: (selection: Selection | undefined) => void;
}

/** The map with everything on it. */
export class Board {
  readonly map: MapLibre;
  readonly #aircraft = new AircraftLayer();
  /** From below to above. */
  readonly #layers: Layer[] = [
    new ThermalLayer(), new TrailLayer(), new ReceiverLayer(), new StationLayer(), new GroundLayer(), this.#aircraft,
  ];
  readonly #rim = new Rim();
  readonly #beacons: Beacons;
  readonly #basemap: Basemap;
  readonly #hidden: Set<LayerKey>;
  readonly #options: BoardOptions;
  #theme: Theme;
  #ready = false;
  readonly #drawnAt = new Map<Layer, number>();
  #selection: Selection | undefined;

  constructor(options: BoardOptions) {
    setWorkerUrl(new URL(workerUrl, import.meta.url).href);
    this.#options = options;
    this.#theme = options.theme;
    this.#hidden = new Set(options.hidden);
    this.map = new MapLibre({
      container: options.container,
      style: options.styleUrl ?? offlineStyle(options.theme),
      center: options.center,
      zoom: options.zoom,
      hash: 'map',
      fadeDuration: 0,
      maxPitch: 60,
      attributionControl: false,
    });
    this.map.setMissingStyleImageResolver((id) => this.#drawImage(id));
    this.map.addControl(new AttributionControl({ compact: true }), 'bottom-right');
    this.map.addControl(new NavigationControl({ visualizePitch: true }), 'bottom-right');
    this.map.addControl(new ScaleControl({ maxWidth: 110 }), 'bottom-left');
    this.#basemap = new Basemap(this.map);
    this.#beacons = new Beacons(this.map, options.onPick);
    this.map.on('style.load', () => this.#dress());
    this.map.on('move', () => options.onView(viewOf(this.map)));
    this.map.on('click', ({ point }) => options.onPick(this.#pickAt(point.x, point.y)));
    this.map.on('mousemove', ({ point }) => {
      this.map.getCanvas().style.cursor = this.#pickAt(point.x, point.y) ? 'pointer' : '';
    });
  }

  get view(): View {
    return viewOf(this.map);
  }

  /** How often a drawn aircraft has changed its place. */
  get moved(): number {
    return this.#aircraft.moved;
  }

  draw(scene: Scene): void {
    if (!this.#ready) return;
    if (!isSameSelection(scene.selection, this.#selection)) {
      this.#selection = scene.selection;
      this.#drawnAt.clear();
    }
    for (const layer of this.#layers) {
      if (this.#hidden.has(layer.key) || scene.now - (this.#drawnAt.get(layer) ?? 0) < layer.intervalMs) continue;
      layer.draw(this.map, scene);
      this.#drawnAt.set(layer, scene.now);
    }
    this.#beacons.draw(scene.picture);
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
    this.#ready = false;
    this.map.setStyle(this.#options.styleUrl ?? offlineStyle(theme), { diff: false });
  }

  setVisible(key: LayerKey, visible: boolean): void {
    if (visible) this.#hidden.delete(key);
    else this.#hidden.add(key);
    if (!this.#ready) return;
    this.#drawnAt.clear();
    for (const layer of this.#layers) {
      if (layer.key === key) this.#applyVisibility(layer);
    }
  }

  showRegion(region: Region): void {
    this.#rim.show(this.map, region);
  }

  /** Brings a place into view. */
  goTo(lon: number, lat: number, minZoom = 0): void {
    this.map.easeTo({ center: [lon, lat], zoom: Math.max(this.map.getZoom(), minZoom), duration: 600 });
  }

  /** Puts our layers on a fresh style. */
  #dress(): void {
    this.#rim.add(this.map, this.#theme);
    for (const layer of this.#layers) {
      layer.add(this.map, this.#theme);
      this.#applyVisibility(layer);
    }
    this.#drawnAt.clear();
    this.#ready = true;
    this.#basemap.fill().catch((error) => console.warn(error));
    this.#options.onView(viewOf(this.map));
  }

  #applyVisibility(layer: Layer): void {
    const visibility = this.#hidden.has(layer.key) ? 'none' : 'visible';
    for (const id of layer.ids) this.map.setLayoutProperty(id, 'visibility', visibility);
  }

  #drawImage(id: string): void {
    const drawn = drawById(id);
    if (drawn && !this.map.hasImage(id)) this.map.addImage(id, drawn.image, { pixelRatio: drawn.pixelRatio });
  }

  #pickAt(x: number, y: number): Selection | undefined {
    if (!this.#ready) return undefined;
    for (const layer of this.#layers.toReversed()) {
      if (!layer.pick || this.#hidden.has(layer.key)) continue;
      const box: [[number, number], [number, number]] = [[x - PICK_PX, y - PICK_PX], [x + PICK_PX, y + PICK_PX]];
      const hit = this.map.queryRenderedFeatures(box, { layers: layer.ids })[0];
      if (hit) return layer.pick(hit.properties);
    }
    return undefined;
  }
}
