import type { Map as MapLibre, SkySpecification } from 'maplibre-gl';
import { isDark, type Theme } from '../basemap/theme';

/** The source of the elevations. Hillshade has one of its own: MapLibre draws both best from two. */
export const RAISED_SOURCE = 'terrain-3d';
/** Mountains as high as they feel from a valley, and slopes not steeper than they are flown along. */
export const EXAGGERATION = 1.2;
/** The camera's pitch when the user raises the terrain, degrees. */
const PITCH_DEG = 60;
/** From here on the user has chosen a pitch. */
const TILTED_DEG = 15;

/** The largest pitch of the camera, degrees. */
export function maxPitchDeg(raised: boolean): number {
  return raised ? 75 : 60;
}

/** Raises the terrain of a style, or lays it flat. The source must be there. */
export function raise(map: MapLibre, raised: boolean, theme: Theme): void {
  map.setMaxPitch(maxPitchDeg(raised));
  map.setTerrain(raised ? { source: RAISED_SOURCE, exaggeration: EXAGGERATION } : null);
  if (raised) map.setSky(skyOf(theme));
}

/** The camera for the raised terrain: not straight down, unless the user has tilted it already; and straight down again. */
export function tilt(map: MapLibre, raised: boolean): void {
  if (raised && map.getPitch() < TILTED_DEG) map.easeTo({ pitch: PITCH_DEG, duration: 800 });
  if (!raised) map.easeTo({ pitch: 0, duration: 800 });
}

/** Haze towards the horizon, so that far mountains look far. */
function skyOf(theme: Theme): SkySpecification {
  const [sky, haze] = isDark(theme) ? ['#16304a', '#2b4560'] : ['#6fb2e6', '#dcebf6'];
  return {
    'sky-color': sky, 'horizon-color': haze, 'fog-color': haze, 'sky-horizon-blend': 0.7, 'horizon-fog-blend': 0.8, 'fog-ground-blend': 0.85, 'atmosphere-blend': 0,
  };
}
