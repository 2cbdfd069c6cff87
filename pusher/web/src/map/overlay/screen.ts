import type { Map as MapLibre } from 'maplibre-gl';
import { EXAGGERATION } from '../../terrain/raise';
import { worldPixels } from '../project';

/** A position, and where it is in the world at zoom 0, pixels: painting a frame of a moving map needs no trigonometry. */
export interface Spot {
  readonly lon: number;
  readonly lat: number;
  readonly x: number;
  readonly y: number;
  /** Metres above sea level; undefined: on the ground. */
  readonly altitudeM: number | undefined;
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
  /** The terrain is shown in 3D. */
  isRaised: boolean;
  /** The map is seen from straight above, without terrain. */
  isFlat: boolean;
  /** The middle of what is shown, and the pixel where it is. */
  centre: Spot;
  middle: Pixel;
  /** Takes pitch and terrain into account. A position behind the camera is outside of the map. */
  project: (lon: number, lat: number, altitudeM?: number) => Pixel;
}

const WORLD_PX = worldPixels(180, 0, 0).x;

export function spotOf(lon: number, lat: number, altitudeM?: number): Spot {
  return { lon, lat, altitudeM, ...worldPixels(lon, lat, 0) };
}

/** Where positions are on the map, at the camera of one frame. */
export class Screen {
  readonly width: number;
  readonly height: number;
  readonly zoom: number;
  readonly bearingDeg: number;
  readonly isRaised: boolean;
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
    this.isRaised = camera.isRaised;
    this.#scale = 2 ** camera.zoom;
    const bearing = (camera.bearingDeg * Math.PI) / 180;
    this.#cos = Math.cos(bearing);
    this.#sin = Math.sin(bearing);
  }

  /** The pixel of a position in the world that is nearest to the middle. Over raised terrain it is at its altitude. */
  pixel(spot: Spot): Pixel {
    const { centre, middle, isFlat, project } = this.#camera;
    const worlds = Math.round((centre.x - spot.x) / WORLD_PX);
    if (!isFlat) return project(spot.lon + worlds * 360, spot.lat, spot.altitudeM);
    const x = (spot.x + worlds * WORLD_PX - centre.x) * this.#scale, y = (spot.y - centre.y) * this.#scale;
    return { x: middle.x + x * this.#cos + y * this.#sin, y: middle.y + y * this.#cos - x * this.#sin };
  }

  /** The pixel of the ground below a position. */
  ground(spot: Spot): Pixel {
    return this.pixel({ ...spot, altitudeM: undefined });
  }

  /** As `pixel`; undefined where it is farther outside of the map than `marginPx`. */
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
  const isRaised = map.getTerrain() !== null;
  const pitch = radians(map.getPitch()), bearing = radians(map.getBearing());
  const perspective = { middleX: width / 2, focalPx: height / 2 / Math.tan(radians(map.getVerticalFieldOfView()) / 2), pitch, bearing };
  return {
    width, height, zoom: map.getZoom(), bearingDeg: map.getBearing(), isRaised, isFlat: map.getPitch() === 0 && !isRaised, centre: spotOf(lng, lat), middle: map.project([lng, lat]),
    project: (lon, lat, altitudeM) => (isRaised && altitudeM !== undefined ? above(map, perspective, lon, lat, altitudeM) : map.project([lon, lat])),
  };
}

/** So far beside a position MapLibre is asked how large things are there, metres. */
const BESIDE_M = 50;
const METRES_PER_DEGREE = 111_195;

/** What the size of things depends on, besides their distance from the camera. The focal length is in pixels, as MapLibre has it. */
interface Perspective {
  middleX: number;
  focalPx: number;
  /** Radians. */
  pitch: number;
  bearing: number;
}

/** The pixel of an altitude over raised terrain: as far above the pixel of the ground as its height has pixels at that distance from the camera. */
function above(map: MapLibre, { middleX, focalPx, pitch, bearing }: Perspective, lon: number, lat: number, altitudeM: number): Pixel {
  const ground = map.project([lon, lat]);
  const groundM = map.queryTerrainElevation([lon, lat]) ?? Infinity;
  const heightM = altitudeM * EXAGGERATION - groundM;
  if (!(heightM > 0)) return ground;
  const north = -Math.sin(bearing) * BESIDE_M, east = Math.cos(bearing) * BESIDE_M;
  const there: [number, number] = [lon + east / METRES_PER_DEGREE / Math.cos(radians(lat)), lat + north / METRES_PER_DEGREE];
  const beside = map.project(there);
  // On a slope that pixel is nearer to the camera or farther away, and by that alone farther from the middle or nearer to it.
  const nearerM = ((map.queryTerrainElevation(there) ?? groundM) - groundM) * Math.cos(pitch);
  const pixelsPerMetre = Math.abs((beside.x - ground.x) / (BESIDE_M + ((beside.x - middleX) / focalPx) * nearerM));
  return { x: ground.x, y: ground.y - heightM * pixelsPerMetre * Math.sin(pitch) };
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
