import type { Map as MapLibre } from 'maplibre-gl';
import { worldPixels } from '../project';

/** A position, and where it is in the world at zoom 0, pixels: painting a frame of a moving map needs no trigonometry. */
export interface Spot {
  readonly lon: number;
  readonly lat: number;
  readonly x: number;
  readonly y: number;
}

/** A pixel of the map, CSS pixels from its upper left corner. */
export interface Pixel {
  x: number;
  y: number;
}

/** What of a map's camera the places of positions depend on. */
export interface Camera {
  /** Of the map, CSS pixels. */
  width: number;
  height: number;
  zoom: number;
  bearingDeg: number;
  /** The map is seen from straight above, without terrain. */
  isFlat: boolean;
  /** The middle of what is shown, and the pixel where it is. */
  centre: Spot;
  middle: Pixel;
  /** Takes pitch and terrain into account. A position behind the camera is outside of the map. */
  project: (lon: number, lat: number) => Pixel;
}

const WORLD_PX = worldPixels(180, 0, 0).x;

export function spotOf(lon: number, lat: number): Spot {
  return { lon, lat, ...worldPixels(lon, lat, 0) };
}

/** Where positions are on the map, at the camera of one frame. */
export class Screen {
  readonly width: number;
  readonly height: number;
  readonly zoom: number;
  readonly bearingDeg: number;
  readonly #camera: Camera;
  readonly #scale: number;
  readonly #cos: number;
  readonly #sin: number;

  constructor(camera: Camera) {
    this.#camera = camera;
    this.width = camera.width;
    this.height = camera.height;
    this.zoom = camera.zoom;
    this.bearingDeg = camera.bearingDeg;
    this.#scale = 2 ** camera.zoom;
    const bearing = (camera.bearingDeg * Math.PI) / 180;
    this.#cos = Math.cos(bearing);
    this.#sin = Math.sin(bearing);
  }

  /** The pixel of a position in the world that is nearest to the middle. */
  pixel(spot: Spot): Pixel {
    const { centre, middle, isFlat, project } = this.#camera;
    const worlds = Math.round((centre.x - spot.x) / WORLD_PX);
    if (!isFlat) return project(spot.lon + worlds * 360, spot.lat);
    const x = (spot.x + worlds * WORLD_PX - centre.x) * this.#scale, y = (spot.y - centre.y) * this.#scale;
    return { x: middle.x + x * this.#cos + y * this.#sin, y: middle.y + y * this.#cos - x * this.#sin };
  }

  /** The same; undefined where it is farther outside of the map than `marginPx`. */
  shown(spot: Spot, marginPx: number): Pixel | undefined {
    const pixel = this.pixel(spot);
    if (pixel.x < -marginPx || pixel.y < -marginPx || pixel.x > this.width + marginPx || pixel.y > this.height + marginPx) return undefined;
    return pixel;
  }
}

/** The camera of the map as it is now. */
export function cameraOf(map: MapLibre): Camera {
  const { clientWidth: width, clientHeight: height } = map.getContainer();
  const { lng, lat } = map.getCenter();
  return {
    width, height, zoom: map.getZoom(), bearingDeg: map.getBearing(), isFlat: map.getPitch() === 0 && !map.getTerrain(),
    centre: spotOf(lng, lat), middle: map.project([lng, lat]), project: (lon, lat) => map.project([lon, lat]),
  };
}
