import type { Scene } from '../map/scene';
import { t } from '../settings/language';

/** What a member does: its altitude and climb, that it is on the ground, or that it is not received. */
export function stateOf(device: number, { picture, formats }: Scene): string {
  const aircraft = picture.aircraft.get(device);
  if (aircraft) return [formats.altitude(aircraft.altitudeM), formats.climb(aircraft.climbMps)].filter(Boolean).join('  ');
  return t(picture.ground.get(device) ? 'phase.ground' : 'group.notReceived');
}
