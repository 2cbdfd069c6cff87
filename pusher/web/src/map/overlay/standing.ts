// What stands on the map and is drawn by MapLibre, as far as labels of aircraft must not cover it.
import { GROUND_NAMES_ZOOM } from '../layers/ground';
import { STATION_NAMES_ZOOM } from '../layers/stations';
import type { Scene } from '../scene';
import type { Obstacle } from './labels';
import { spotOf, type Screen } from './screen';

/** Half of the side of their symbols, pixels. */
const STATION_PX = 16, GROUND_PX = 11;
/** Of their names: the mean width of a character, the height, and the distance from the middle of the symbol, pixels. */
const CHARACTER_PX = 6, NAME_HEIGHT_PX = 13, STATION_NAME_PX = 16, GROUND_NAME_PX = 14;

/** The symbols of stations and people on the ground, and their names where MapLibre places them first. */
export function standingLabels({ picture }: Scene, screen: Screen): Obstacle[] {
  const boxes: Obstacle[] = [];
  for (const { lon, lat, name } of picture.stations.values()) {
    const at = screen.shown(spotOf(lon, lat), 0);
    if (!at) continue;
    boxes.push({ left: at.x - STATION_PX, right: at.x + STATION_PX, top: at.y - STATION_PX, bottom: at.y + STATION_PX });
    const half = ((name?.length ?? 0) * CHARACTER_PX) / 2;
    if (half > 0 && screen.zoom >= STATION_NAMES_ZOOM) boxes.push({ left: at.x - half, right: at.x + half, top: at.y + STATION_NAME_PX, bottom: at.y + STATION_NAME_PX + NAME_HEIGHT_PX });
  }
  for (const { lon, lat, name } of picture.ground.values()) {
    const at = screen.shown(spotOf(lon, lat), 0);
    if (!at) continue;
    const width = screen.zoom >= GROUND_NAMES_ZOOM ? (name?.length ?? 0) * CHARACTER_PX : 0;
    boxes.push({ left: at.x - GROUND_PX, right: at.x + (width > 0 ? GROUND_NAME_PX + width : GROUND_PX), top: at.y - GROUND_PX, bottom: at.y + GROUND_PX });
  }
  return boxes;
}
