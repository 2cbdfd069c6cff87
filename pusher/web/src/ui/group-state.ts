import type { LastHeard } from '../live/last-heard';
import type { Scene } from '../map/scene';
import { formatAge, type Formats } from '../settings/formats';
import { t } from '../settings/language';

/** An altitude that is older says so, ms. */
const OLD_MS = 60_000;

/** What a member does: its altitude and climb, that it is on the ground, or that it is not received. */
export function stateOf(device: number, { picture, formats, now }: Pick<Scene, 'picture' | 'formats' | 'now'>): string {
  const aircraft = picture.aircraft.get(device);
  if (aircraft) {
    const age = now - aircraft.at;
    const heard = age > OLD_MS ? t('alert.heard', { age: formatAge(age) }) : '';
    return [[formats.altitude(aircraft.altitudeM), formats.climb(aircraft.climbMps)].filter(Boolean).join('  '), heard].filter(Boolean).join(' · ');
  }
  return t(picture.ground.get(device) ? 'phase.ground' : 'group.notReceived');
}

/** Of a member that is not in the air picture. `isFollowed`: the page would receive it wherever it is. */
export function lostStateOf({ at }: LastHeard, { formats, now }: Pick<Scene, 'formats' | 'now'>, isFollowed: boolean): string {
  return isFollowed ? t('group.since', { time: clockOf(at, now, formats) }) : t('alert.heard', { age: formatAge(now - at) });
}

/** `14:03`, with the day if that is another one. */
function clockOf(at: number, now: number, formats: Formats): string {
  return formats.date(at) === formats.date(now) ? formats.time(at) : formats.dateTime(at);
}
