import type { GeoJSONSource, LayerSpecification, Map as MapLibre, RasterDEMTileSource, SourceSpecification } from 'maplibre-gl';
import type { TerrainSource } from '../config';
import { Terrain } from '../terrain/terrain';
import { Contours } from '../terrain/contours';
import { raise, RAISED_SOURCE } from '../terrain/raise';
import { Formats } from '../settings/formats';
import { contourLayers, hillshadeLayers } from '../terrain/style';
import { archiveAt } from './archives';
import worldUrl from './data/world.pmtiles?url';
import { graticule } from './graticule';
import { labelLayers, landLayers, lineLayers } from './outline';
import { placesOf } from './places';
import { peakText, protomapsAreas, protomapsLabels, protomapsLines } from './protomaps';
import type { Theme } from './theme';
import { viewOf } from './view';

const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };

export interface GroundOptions {
  /** Of a PMTiles archive with a base map. */
  basemap: string | undefined;
  terrain: TerrainSource | undefined;
  /** The lowest layer of live objects: the ground stays below it. */
  below: string;
}

/** The layers under the live objects: outline, the operator's base map, terrain. Its code is loaded after the aircraft. */
export class Ground {
  readonly terrain: Terrain | undefined;
  readonly #map: MapLibre;
  readonly #options: GroundOptions;
  readonly #contours: Contours | undefined;
  #raised = false;
  #hasRelief = true;
  #theme: Theme = 'dark';
  #formats = new Formats('metric');
  #turn = 0;

  constructor(map: MapLibre, options: GroundOptions) {
    this.#map = map;
    this.#options = options;
    if (options.terrain) {
      this.terrain = new Terrain(archiveAt(options.terrain.url).archive, options.terrain.encoding);
      this.#contours = new Contours(map, this.terrain);
    }
    map.on('moveend', () => this.#moved());
  }

  /**
   * Adds it to a fresh style: the outline at once, the operator's archives once they are read. `styled`: the style has a base
   * map of its own, only terrain is added; `file`: the operator's base map is to be shown, where there is one.
   */
  async show(theme: Theme, { styled, file }: { styled: boolean; file: boolean }): Promise<void> {
    const turn = ++this.#turn;
    this.#theme = theme;
    const { basemap, terrain, below } = this.#options;
    const [lines, labels] = [lineLayers(theme), labelLayers(theme)];
    if (!styled) {
      this.#addSource('outline', { type: 'vector', url: archiveAt(new URL(worldUrl, import.meta.url).href).url });
      this.#addSource('graticule', { type: 'geojson', data: EMPTY });
      this.#addSource('places', { type: 'geojson', data: placesOf(this.#formats) });
      this.#addLayers([...landLayers(theme), ...lines, ...labels], below);
      this.#moved();
    }
    // Without a readable archive there is no terrain.
    const [base, side] = await Promise.all([
      file && basemap && !styled ? this.#basemap(basemap) : undefined, this.terrain?.tileSide().catch(() => undefined),
    ]);
    // Meanwhile the style may have been changed again.
    if (turn !== this.#turn) return;
    const overLand = styled ? below : lines[0]!.id;
    if (base) {
      const { source, has, fromZoom } = base;
      const vector = source.type === 'vector';
      this.#addSource('basemap', source);
      this.#addLayers(vector ? protomapsAreas(theme).filter(has) : [{ id: 'base-raster', type: 'raster', source: 'basemap' }], overLand);
      if (vector) this.#addLayers([...protomapsLines(theme), ...protomapsLabels(theme, this.#formats.units.altitude)].filter(has), below);
      // Below the archive's smallest zoom, the lines and names of the outline are shown.
      for (const { id } of [...lines, ...labels]) {
        if (fromZoom > 0) this.#map.setLayerZoomRange(id, 0, fromZoom);
        else this.#map.setLayoutProperty(id, 'visibility', 'none');
      }
    }
    if (terrain && side !== undefined) {
      this.#addSource('terrain', { type: 'raster-dem', url: archiveAt(terrain.url).url, encoding: terrain.encoding, tileSize: side });
      this.#addSource('contours', { type: 'geojson', data: EMPTY, tolerance: 0.2 });
      this.#addLayers([...hillshadeLayers(theme), ...contourLayers(theme)], overLand);
      this.#showRelief();
      void this.#contours?.draw(true);
      if (this.#raised) this.#raise();
    }
  }

  /** Writes heights in the user's units. */
  setFormats(formats: Formats): void {
    const unit = formats.units.altitude;
    if (unit === this.#formats.units.altitude) return;
    this.#formats = formats;
    void this.#map.getSource<GeoJSONSource>('places')?.setData(placesOf(formats));
    if (this.#map.getLayer('base-peaks')) this.#map.setLayoutProperty('base-peaks', 'text-field', peakText(unit));
    this.#contours?.setFormats(formats);
  }

  /** Shows or hides colours, shading and contour lines of the terrain; heights stay known. */
  setRelief(isShown: boolean): void {
    this.#hasRelief = isShown;
    this.#showRelief();
    if (isShown) void this.#contours?.draw();
  }

  #showRelief(): void {
    for (const { id } of [...hillshadeLayers(this.#theme), ...contourLayers(this.#theme)]) {
      if (this.#map.getLayer(id)) this.#map.setLayoutProperty(id, 'visibility', this.#hasRelief ? 'visible' : 'none');
    }
  }

  /** Shows the terrain in 3D, or flat; in this style and the next ones. */
  setRaised(raised: boolean): void {
    if (raised === this.#raised) return;
    this.#raised = raised;
    // Before the archive is read there is nothing to raise.
    if (this.#map.getSource('terrain')) this.#raise();
  }

  #raise(): void {
    const { terrain } = this.#options;
    const shaded = this.#map.getSource<RasterDEMTileSource>('terrain');
    if (!terrain || !shaded) return;
    this.#addSource(RAISED_SOURCE, { type: 'raster-dem', url: archiveAt(terrain.url).url, encoding: terrain.encoding, tileSize: shaded.tileSize });
    raise(this.#map, this.#raised, this.#theme);
  }

  /** The source, whether the archive has what a layer draws, and its smallest zoom. */
  async #basemap(url: string): Promise<{ source: SourceSpecification; has: (layer: LayerSpecification) => boolean; fromZoom: number } | undefined> {
    const { archive, url: named } = archiveAt(url);
    try {
      // 1: vector tiles; all other types are images.
      const { tileType, minZoom: fromZoom } = await archive.getHeader();
      if (tileType !== 1) return { source: { type: 'raster', url: named, tileSize: 256 }, has: () => true, fromZoom };
      const { vector_layers } = await archive.getMetadata() as { vector_layers?: { id: string }[] };
      const there = new Set(vector_layers?.map(({ id }) => id));
      return { source: { type: 'vector', url: named }, has: (layer) => 'source-layer' in layer && there.has(String(layer['source-layer'])), fromZoom };
    } catch (error) {
      console.warn('the base map cannot be read, the outline is shown', error);
      return undefined;
    }
  }

  #addSource(id: string, source: SourceSpecification): void {
    if (!this.#map.getSource(id)) this.#map.addSource(id, source);
  }

  #addLayers(layers: LayerSpecification[], below: string): void {
    for (const layer of layers) {
      if (!this.#map.getLayer(layer.id)) this.#map.addLayer(layer, this.#map.getLayer(below) ? below : undefined);
    }
  }

  #moved(): void {
    this.#map.getSource<GeoJSONSource>('graticule')?.setData(graticule(viewOf(this.#map)));
    if (this.#hasRelief) void this.#contours?.draw();
  }
}
