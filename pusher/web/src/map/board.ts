import { AttributionControl, Map as MapLibre, Marker, NavigationControl, ScaleControl, setWorkerUrl, type StyleSpecification } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url';
import type { Position, Region, View } from 'updraft-client';
import { GROUND_AFTER_MS, GROUND_RETRY_MS } from '../basemap/delay';
import type { Ground } from '../basemap/ground';
import { bareStyle } from '../basemap/style';
import type { Theme } from '../basemap/theme';
import { viewOf } from '../basemap/view';
import type { BaseMap, Config } from '../config';
import { drawEach } from '../draw-loop';
import { maxPitchDeg, tilt } from '../terrain/raise';
import { isSameSelection, type Selection } from '../selection';
import type { Formats } from '../settings/formats';
import { t } from '../settings/language';
import { Beacons } from './beacons';
import { covering, freeArea } from './free-area';
import { GroundLayer } from './layers/ground';
import { LandmarkLayer } from './layers/landmarks';
import type { Layer, LayerKey } from './layers/layer';
import { ReceiverLayer } from './layers/receivers';
import { StationLayer } from './layers/stations';
import { ThermalLayer } from './layers/thermals';
import { WindLayer } from './layers/winds';
import { ZoneLayer } from './layers/zones';
import { Draft } from './draft';
import { AircraftPainter } from './overlay/aircraft-painter';
import { Overlay, type Painter } from './overlay/overlay';
import { TrailPainter } from './overlay/trail-painter';
import { PICK_PX, SYMBOL_PX } from './reach';
import { Rim } from './rim';
import type { Scene } from './scene';
import { drawById } from './symbols/resolve';

/** After a jump in time, what stands is drawn so much later than what moves, ms. */
const STANDING_AFTER_MS = 400;
/** The lowest layer of live objects. */
const LOWEST = 'rim-outside';

export interface BoardOptions extends Config {
  container: HTMLElement;
  theme: Theme;
  baseMap: BaseMap;
  hidden: ReadonlySet<LayerKey>;
  /** Whether the terrain is shown in 3D. */
  raised: boolean;
  onView: (view: View) => void;
  /** Is called with the error of a layer that cannot be drawn. */
  onFailure: (error: unknown) => void;
  /** The operator's style cannot be loaded: the outline is shown in its place. */
  onStyleFailure: () => void;
  onPick: (selection: Selection | undefined) => void;
}

/** The map with everything on it. */
export class Board {
  readonly map: MapLibre;
  /** From below to above. */
  readonly #layers: Layer[] = [new ZoneLayer(), new LandmarkLayer(), new ThermalLayer(), new ReceiverLayer(), new WindLayer(), new StationLayer(), new GroundLayer()];
  readonly #aircraft = new AircraftPainter();
  /** Above the layers, from below to above. */
  readonly #painters: Painter[] = [new TrailPainter(), this.#aircraft];
  readonly #overlay: Overlay;
  readonly #scale = new ScaleControl({ maxWidth: 110 });
  #formats: Formats | undefined;
  readonly #rim = new Rim();
  readonly #draft = new Draft();
  /** Takes the clicks while a zone is drawn. */
  #capture: ((at: Position) => void) | undefined;
  readonly #beacons: Beacons;
  #ground: Ground | undefined;
  #here: Marker | undefined;
  #groundWanted = false;
  #baseMap: BaseMap;
  #firstAircraftMs: number | undefined;
  #frames = 0;
  readonly #hidden: Set<LayerKey>;
  readonly #options: BoardOptions;
  #theme: Theme;
  #raised: boolean;
  #ready = false;
  /** The operator's style could not be loaded. */
  #isStyleMissing = false;
  readonly #drawnAt = new Map<Layer | Painter, number>();
  #selection: Selection | undefined;

  constructor(options: BoardOptions) {
    setWorkerUrl(new URL(workerUrl, import.meta.url).href);
    this.#options = options;
    this.#theme = options.theme;
    this.#baseMap = options.baseMap;
    this.#raised = options.raised;
    this.#hidden = new Set(options.hidden);
    this.map = new MapLibre({
      container: options.container,
      style: this.#style(),
      center: options.center,
      zoom: options.zoom,
      hash: 'map',
      fadeDuration: 0,
      maxPitch: maxPitchDeg(options.raised),
      attributionControl: false,
      locale: {
        'Map.Title': t('map'), 'NavigationControl.ZoomIn': t('map.zoomIn'), 'NavigationControl.ZoomOut': t('map.zoomOut'), 'NavigationControl.ResetBearing': t('map.north'),
        'AttributionControl.ToggleAttribution': t('map.sources'),
      },
    });
    this.map.setMissingStyleImageResolver((id) => this.#drawImage(id));
    this.map.addControl(new AttributionControl({ compact: true }), 'bottom-right');
    this.map.addControl(new NavigationControl({ visualizePitch: true }), 'bottom-right');
    this.map.addControl(this.#scale, 'bottom-left');
    this.#overlay = new Overlay(this.map, this.#painters, (key) => this.#hidden.has(key), options.onFailure);
    for (const painter of this.#painters) painter.setTheme(options.theme);
    this.#beacons = new Beacons(this.map, options.onPick);
    this.map.on('style.load', () => this.#dress());
    this.map.on('error', ({ error }) => this.#fail(error));
    this.map.on('render', () => this.#frames++);
    setTimeout(() => this.#wantGround(), GROUND_AFTER_MS);
    this.map.on('move', () => options.onView(viewOf(this.map)));
    this.map.on('click', ({ point, lngLat }) => {
      if (this.#capture) this.#capture({ lat: lngLat.lat, lon: lngLat.wrap().lng });
      else options.onPick(this.#pickAt(point.x, point.y));
    });
    this.map.on('mousemove', ({ point }) => {
      this.map.getCanvas().style.cursor = this.#capture ? 'crosshair' : this.#pickAt(point.x, point.y) ? 'pointer' : '';
    });
  }

  get view(): View {
    return viewOf(this.map);
  }

  /** How often the map was drawn. */
  get frames(): number {
    return this.#frames;
  }

  /** How often the position of a drawn aircraft has changed. */
  get moved(): number {
    return this.#aircraft.moved;
  }

  /** Where symbols of aircraft stand, or the ground below them, pixels. */
  drawnAircraft(): { device: number; x: number; y: number }[] {
    return this.#aircraft.positions.map(({ device, lon, lat }) => ({ device, ...this.map.project([lon, lat]) }));
  }

  /** Where their symbols are painted, pixels. */
  paintedAircraft(): { device: number; x: number; y: number }[] {
    return [...this.#aircraft.painted].map(([device, at]) => ({ device, ...at }));
  }

  /** The aircraft whose symbol or label is at a pixel. */
  aircraftAt(x: number, y: number): number[] {
    return this.#aircraft.at(x, y);
  }

  /** The aircraft that have a label. */
  get labelled(): number[] {
    return this.#aircraft.labelled;
  }

  /** Of each feature that a style layer shows: its name or its height. */
  shown(layer: string): unknown[] {
    if (!this.map.getLayer(layer)) return [];
    return this.map.queryRenderedFeatures({ layers: [layer] }).map(({ properties }) => properties.name ?? properties.metres);
  }

  /** Where a style layer shows an object with this id or name, pixels. */
  spot(layer: string, label: string): { x: number; y: number } | undefined {
    const features = this.map.getLayer(layer) ? this.map.queryRenderedFeatures({ layers: [layer] }) : [];
    const geometry = features.find(({ properties }) => properties.id === label || properties.name === label)?.geometry;
    if (geometry?.type !== 'Point') return undefined;
    const { x, y } = this.map.project(geometry.coordinates as [number, number]);
    return { x, y };
  }

  /** Milliseconds from navigation to the first drawn aircraft. */
  get firstAircraftMs(): number | undefined {
    return this.#firstAircraftMs;
  }

  /** Metres above sea level; undefined where it is not known (yet). */
  elevationAt(lat: number, lon: number): number | undefined {
    return this.#ground?.terrain?.elevationAt(lat, lon);
  }

  /** The height at which the terrain is drawn, metres; undefined: it is flat. */
  raisedAt(lat: number, lon: number): number | undefined {
    return this.map.getTerrain() ? this.map.queryTerrainElevation([lon, lat]) ?? undefined : undefined;
  }

  /** Shows the terrain in 3D, or flat. */
  setRaised(raised: boolean): void {
    this.#raised = raised;
    this.#ground?.setRaised(raised);
    tilt(this.map, raised);
  }

  /** Before a style is there, and while one is replaced, what moves is drawn alone. */
  draw(scene: Scene): void {
    if (!isSameSelection(scene.selection, this.#selection)) {
      this.#selection = scene.selection;
      this.#drawnAt.clear();
    }
    if (scene.formats !== this.#formats) {
      this.#formats = scene.formats;
      this.#scale.setUnit(scene.formats.units.scale);
      this.#ground?.setFormats(scene.formats);
    }
    // By the user's clock: the time of the scene may be of the past.
    const now = Date.now();
    const isDue = (part: Layer | Painter) => !this.#hidden.has(part.key) && now - (this.#drawnAt.get(part) ?? 0) >= part.intervalMs;
    const layers = this.#ready ? this.#layers.filter(isDue) : [];
    const painters = this.#painters.filter(isDue);
    for (const part of [...layers, ...painters]) this.#drawnAt.set(part, now);
    const { screen } = this.#overlay;
    // Aircraft and calls are drawn where zones or thermals fail.
    drawEach([
      ...layers.map((layer) => () => layer.draw(this.map, scene)), ...painters.map((painter) => () => painter.draw(scene, screen)), () => this.#overlay.paint(),
      () => this.#beacons.draw(scene.picture, this.#hidden),
    ], this.#options.onFailure);
    this.#lookForAircraft();
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
    for (const painter of this.#painters) painter.setTheme(theme);
    this.#restyle();
  }

  setBaseMap(baseMap: BaseMap): void {
    this.#baseMap = baseMap;
    this.#restyle();
  }

  /** Also tries a style again that could not be loaded. */
  #restyle(): void {
    this.#isStyleMissing = false;
    this.#putStyle();
  }

  /** Of a style that is not there MapLibre reports an error, and nothing else happens. */
  #fail(error: unknown): void {
    if (this.#ready || typeof this.#style() !== 'string') {
      // MapLibre leaves this to its listener.
      console.error(error);
      return;
    }
    console.warn('the style cannot be loaded, the outline is shown', error);
    this.#isStyleMissing = true;
    this.#options.onStyleFailure();
    this.#putStyle();
  }

  #putStyle(): void {
    this.#ready = false;
    this.map.setStyle(this.#style(), { diff: false });
  }

  #style(): StyleSpecification | string {
    return (this.#baseMap === 'style' && !this.#isStyleMissing ? this.#options.styleUrl : undefined) ?? bareStyle(this.#theme);
  }

  setVisible(key: LayerKey, visible: boolean): void {
    if (visible) this.#hidden.delete(key);
    else this.#hidden.add(key);
    this.#overlay.paint();
    // It is kept for the next style, too.
    if (key === 'relief') this.#ground?.setRelief(visible);
    if (!this.#ready) return;
    this.#drawnAt.clear();
    for (const layer of this.#layers) {
      if (layer.key === key) this.#applyVisibility(layer);
    }
  }

  /** The rim of the live region; undefined: the full view is live. */
  showRegion(region: Region | undefined): void {
    this.#rim.show(this.map, region);
  }

  /** Gives the clicks on the map to `take` instead of selecting what is there; undefined: they select again. */
  capture(take: ((at: Position) => void) | undefined): void {
    this.#capture = take;
    this.map.getCanvas().style.cursor = take ? 'crosshair' : '';
  }

  /** The corners of a zone that is being drawn. */
  showDraft(corners: readonly Position[]): void {
    this.#draft.show(this.map, corners);
  }

  /** Draws everything again at the next update. */
  redraw(): void {
    this.#drawnAt.clear();
  }

  /** The same at another time: what moves comes first, since drawing the map takes long without a graphics card. */
  redrawAtOtherTime(): void {
    this.redraw();
    this.#overlay.hurry();
    for (const layer of this.#layers) this.#drawnAt.set(layer, Date.now() - layer.intervalMs + STANDING_AFTER_MS);
  }

  /** Moves a position into the middle of the area that no panel covers. */
  goTo({ lat, lon }: Position, minZoom = 0): void {
    this.map.easeTo({ center: [lon, lat], zoom: Math.max(this.map.getZoom(), minZoom), offset: this.#freeOffset(), duration: 600 });
  }

  /** Shows all of these positions in the part of the map that the panels leave free. */
  fit(positions: readonly Position[], maxZoom: number): void {
    if (positions.length === 0) return;
    const lats = positions.map(({ lat }) => lat), lons = positions.map(({ lon }) => lon);
    const { clientWidth, clientHeight } = this.#options.container;
    const free = freeArea(clientWidth, clientHeight, covering(this.#options.container));
    const margin = 40;
    this.map.fitBounds([Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)], {
      maxZoom, duration: 600,
      padding: { left: free.left + margin, top: free.top + margin, right: clientWidth - free.right + margin, bottom: clientHeight - free.bottom + margin },
    });
  }

  /** Shows this region, as large as it fits on the map. */
  showView({ south, west, north, east }: View): void {
    this.map.fitBounds([west, south, east, north], { duration: 600 });
  }

  /** Moves to a position at constant speed. */
  centre({ lat, lon }: Position, duration: number): void {
    this.map.easeTo({ center: [lon, lat], offset: this.#freeOffset(), duration, easing: (t) => t });
  }

  /** Moves the map only where a panel covers the position. */
  reveal(position: Position): void {
    const { x, y } = this.map.project([position.lon, position.lat]);
    if (covering(this.#options.container).some(({ left, right, top, bottom }) => x >= left && x <= right && y >= top && y <= bottom)) this.goTo(position);
  }

  /** Shows the user's own position. */
  showHere({ lat, lon }: Position): void {
    if (!this.#here) {
      const element = document.createElement('div');
      element.className = 'here';
      this.#here = new Marker({ element });
    }
    this.#here.setLngLat([lon, lat]).addTo(this.map);
  }

  /** From the middle of the map to the middle of its free part, pixels. */
  #freeOffset(): [number, number] {
    const { clientWidth, clientHeight } = this.#options.container;
    const free = freeArea(clientWidth, clientHeight, covering(this.#options.container));
    return [(free.left + free.right - clientWidth) / 2, (free.top + free.bottom - clientHeight) / 2];
  }

  /** Adds our layers to a new style. */
  #dress(): void {
    this.#rim.add(this.map, this.#theme);
    for (const layer of this.#layers) {
      layer.add(this.map, this.#theme);
      this.#applyVisibility(layer);
    }
    this.#draft.add(this.map);
    this.#drawnAt.clear();
    this.#ready = true;
    this.#showGround();
    this.#options.onView(viewOf(this.map));
  }

  #lookForAircraft(): void {
    if (this.#firstAircraftMs !== undefined || this.#aircraft.painted.size === 0) return;
    this.#firstAircraftMs = performance.now();
    this.#wantGround();
  }

  #wantGround(): void {
    if (this.#groundWanted) return;
    this.#groundWanted = true;
    void import('../basemap/ground').then(({ Ground }) => {
      const { basemap, terrain } = this.#options;
      this.#ground = new Ground(this.map, { basemap, terrain, below: LOWEST });
      this.#ground.setRaised(this.#raised);
      if (this.#formats) this.#ground.setFormats(this.#formats);
      this.#ground.setRelief(!this.#hidden.has('relief'));
      if (this.#ready) this.#showGround();
    }, (error) => {
      console.warn('the ground cannot be shown yet', error);
      this.#groundWanted = false;
      setTimeout(() => this.#wantGround(), GROUND_RETRY_MS);
    });
  }

  #showGround(): void {
    this.#ground?.show(this.#theme, { styled: typeof this.#style() === 'string', file: this.#baseMap === 'file' })
      .catch((error) => console.warn('the ground cannot be shown', error));
  }

  #applyVisibility(layer: Layer): void {
    const visibility = this.#hidden.has(layer.key) ? 'none' : 'visible';
    for (const id of layer.ids) this.map.setLayoutProperty(id, 'visibility', visibility);
  }

  #drawImage(id: string): void {
    const drawn = drawById(id);
    if (drawn && !this.map.hasImage(id)) this.map.addImage(id, drawn.image, { pixelRatio: drawn.pixelRatio });
  }

  /** The highest object with its symbol there; without one, that of a label or an area. */
  #pickAt(x: number, y: number): Selection | undefined {
    // Aircraft are above all layers.
    const aircraft = this.#overlay.hit(x, y);
    if (aircraft?.isSymbol || !this.#ready) return aircraft?.selection;
    let other = aircraft?.selection;
    for (const layer of this.#layers.toReversed()) {
      if (!layer.pick || this.#hidden.has(layer.key)) continue;
      const box: [[number, number], [number, number]] = [[x - PICK_PX, y - PICK_PX], [x + PICK_PX, y + PICK_PX]];
      const hits = this.map.queryRenderedFeatures(box, { layers: layer.clickable ?? layer.ids });
      const hit = hits.find(({ geometry }) => this.#isNear(geometry, x, y));
      if (hit) return layer.pick(hit.properties);
      if (hits[0]) other ??= layer.pick(hits[0].properties);
    }
    return other;
  }

  #isNear(geometry: GeoJSON.Geometry, x: number, y: number): boolean {
    if (geometry.type !== 'Point') return false;
    const at = this.map.project(geometry.coordinates as [number, number]);
    return Math.hypot(at.x - x, at.y - y) <= SYMBOL_PX;
  }
}
