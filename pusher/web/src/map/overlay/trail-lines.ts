import type { Aircraft } from 'updraft-client';
import type { Fix } from '../../motion/extrapolate';
import { segmentsUntil } from '../../motion/past';
import { TRAIL_MS } from '../../motion/trail';
import { isSelectedDevice } from '../../selection';
import { passes } from '../../ui/filter';
import type { Scene } from '../scene';
import { climbColour, climbStep } from '../symbols/climb';
import { spotOf, type Spot } from './screen';

/** For aircraft that are not selected, ms. */
const SHORT_MS = 2 * 60_000;
/** Of all trails of aircraft that the user did not choose: with many aircraft each has fewer. */
const MAX_SPOTS = 60_000;

/** A part of a trail in one colour. */
export interface TrailLine {
  colour: string;
  isSelected: boolean;
  spots: Spot[];
}

/** The recorded track, and the trails of the aircraft that pass the filter. */
export function trailLines(scene: Scene): TrailLine[] {
  const { picture, air, now, selection, followed, group, filter, past, isLive } = scene;
  const recorded = isLive || past.flight ? past.segments : segmentsUntil(past.segments, now);
  const lines = recorded.flatMap((segment) => linesOf(segment, true, Infinity));
  const isChosen = ({ device }: Aircraft) => isSelectedDevice(selection, device) || followed.has(device) || group.has(device);
  const aircraft = [...picture.aircraft.values()];
  // The limit leaves out others, never those that the user chose.
  for (const one of aircraft.filter(isChosen)) {
    lines.push(...linesOf(since(air.trails.of(one.device), now - TRAIL_MS), true, air.trails.gapMs, group.get(one.device)));
  }
  const others = aircraft.filter((one) => !isChosen(one) && passes(one, filter, scene));
  const stepMs = (others.length * SHORT_MS) / MAX_SPOTS;
  for (const one of others) lines.push(...linesOf(thinned(since(air.trails.of(one.device), now - SHORT_MS), stepMs), false, air.trails.gapMs));
  return lines;
}

function since(trail: readonly Fix[], from: number): readonly Fix[] {
  const first = trail.findIndex(({ at }) => at >= from);
  return first === -1 ? [] : trail.slice(first);
}

/** The first, the last, and those between them that are this far apart. */
function thinned(trail: readonly Fix[], stepMs: number): readonly Fix[] {
  let kept = -Infinity;
  return trail.filter(({ at }, i) => {
    if (at - kept < stepMs && i < trail.length - 1) return false;
    kept = at;
    return true;
  });
}

/** Lines of equal climb colour, or of one colour, broken where the aircraft was not heard or crossed the date line. */
function linesOf(trail: readonly Fix[], isSelected: boolean, gapMs: number, colour?: string): TrailLine[] {
  const lines: TrailLine[] = [];
  let before: Fix | undefined;
  let end: Spot | undefined;
  let line: TrailLine | undefined;
  for (const fix of trail) {
    const spot = spotOf(fix.lon, fix.lat, fix.altitudeM);
    const isOneWay = before !== undefined && end !== undefined && fix.at - before.at <= gapMs && Math.abs(fix.lon - before.lon) < 180;
    const own = colour ?? climbColour(climbStep(fix.climbMps));
    if (!isOneWay) line = undefined;
    else if (line?.colour === own) line.spots.push(spot);
    else lines.push(line = { colour: own, isSelected, spots: [end!, spot] });
    [before, end] = [fix, spot];
  }
  return lines;
}
