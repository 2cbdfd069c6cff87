import { GroundKind } from 'updraft-client';
import { t } from '../../settings/language';

interface Kind {
  label: () => string;
  colour: string;
  /** Drawn white on a round badge of radius 12. */
  glyph: Path2D;
  /** Stroke width; without one the glyph is filled. */
  stroke?: number;
}

const WALKER = new Path2D('M1 -8.5 a1.9 1.9 0 1 1 -0.01 0 M0.6 -3.4 L-0.6 2 L2.4 4.6 L3 8.6 M-0.6 2 L-2.4 5.2 L-4.4 8.4 M0.6 -3.4 L-3.2 -1.6 L-3.8 1.4 M0.6 -3.4 L2.8 -0.6 L5 0');
const CAR = new Path2D('M-8 4.5 L-8 0.5 L-5.4 -0.6 L-3.6 -4.6 L3.4 -4.6 L5.6 -0.6 L8 0.4 L8 4.5 L6.2 4.5 A2.1 2.1 0 0 1 2 4.5 L-2 4.5 A2.1 2.1 0 0 1 -6.2 4.5 Z');
const BIKE = new Path2D('M-5 0.5 a3.4 3.4 0 1 1 -0.01 0 M5 0.5 a3.4 3.4 0 1 1 -0.01 0 M-5 3.9 L-2 -2.4 L3.4 -2.4 L5 3.9 M-2 -2.4 L0.6 3.9 L3.4 -2.4 L2.6 -5 L4.6 -5 M-3.4 -4.4 L-1 -4.4');
const BOAT = new Path2D('M-8 2.5 L8 2.5 L5.5 7 L-5.5 7 Z M-0.6 -8 L-0.6 1 L-6 1 Z M0.8 -6.4 L0.8 1 L5 1 Z');
const THUMB = new Path2D('M-6.6 -0.6 L-4.2 -0.6 L-4.2 7 L-6.6 7 Z M-3 -0.4 L0 -7.4 C2 -7.4 2.4 -5.6 2 -4 L1.4 -1.6 L6 -1.6 C7.4 -1.6 7.6 0.4 6.6 0.9 C7.3 1.6 7.1 3 6.1 3.3 C6.6 4.1 6.3 5.3 5.3 5.5 C5.5 6.4 4.9 7 4 7 L-1 7 L-3 6.2 Z');
const CHECK = new Path2D('M-6 0.4 L-1.8 4.8 L6.2 -4.6');
const WRENCH = new Path2D('M-5.5 6.2 L1.4 -0.7 M3 -6.8 A4.6 4.6 0 1 0 7 -2.6 L3.8 -1.6 L1.8 -3.6 Z');
const CROSS = new Path2D('M-2.4 -7.4 L2.4 -7.4 L2.4 -2.4 L7.4 -2.4 L7.4 2.4 L2.4 2.4 L2.4 7.4 L-2.4 7.4 L-2.4 2.4 L-7.4 2.4 L-7.4 -2.4 L-2.4 -2.4 Z');
const EXCLAMATION = new Path2D('M-1.9 -8.2 L1.9 -8.2 L1.3 2.2 L-1.3 2.2 Z M0 3.8 a2.1 2.1 0 1 1 -0.01 0 Z');
const DOT = new Path2D('M0 -3.6 a3.6 3.6 0 1 1 -0.01 0 Z');

const OTHER: Kind = { label: () => t('ground.other'), colour: '#5c7185', glyph: DOT };

const KINDS: Record<number, Kind> = {
  [GroundKind.GROUND_KIND_WALKING]: { label: () => t('ground.walking'), colour: '#2f8f5b', glyph: WALKER, stroke: 1.9 },
  [GroundKind.GROUND_KIND_VEHICLE]: { label: () => t('ground.vehicle'), colour: '#3a6ea5', glyph: CAR },
  [GroundKind.GROUND_KIND_BIKE]: { label: () => t('ground.bike'), colour: '#3a6ea5', glyph: BIKE, stroke: 1.5 },
  [GroundKind.GROUND_KIND_BOAT]: { label: () => t('ground.boat'), colour: '#3a6ea5', glyph: BOAT },
  [GroundKind.GROUND_KIND_NEED_RIDE]: { label: () => t('alert.ride'), colour: '#c77700', glyph: THUMB },
  [GroundKind.GROUND_KIND_LANDED_WELL]: { label: () => t('ground.landed'), colour: '#2f8f5b', glyph: CHECK, stroke: 2.8 },
  [GroundKind.GROUND_KIND_NEED_TECHNICAL_SUPPORT]: { label: () => t('alert.technical'), colour: '#c2410c', glyph: WRENCH, stroke: 2 },
  [GroundKind.GROUND_KIND_NEED_MEDICAL_HELP]: { label: () => t('alert.medical'), colour: '#d61f3a', glyph: CROSS },
  [GroundKind.GROUND_KIND_DISTRESS]: { label: () => t('alert.distress'), colour: '#d61f3a', glyph: EXCLAMATION },
  [GroundKind.GROUND_KIND_AUTOMATIC_DISTRESS]: { label: () => t('alert.automatic'), colour: '#d61f3a', glyph: EXCLAMATION },
  [GroundKind.GROUND_KIND_OTHER]: OTHER,
};

export function groundKind(kind: number): Kind {
  return KINDS[kind] ?? OTHER;
}

/** For the legend. */
export const GROUND_KINDS = Object.keys(KINDS).map(Number);

export function drawGround(g: CanvasRenderingContext2D, kind: number): void {
  const { colour, glyph, stroke } = groundKind(kind);
  const badge = new Path2D();
  badge.arc(0, 0, 13, 0, 2 * Math.PI);
  g.fillStyle = colour;
  g.fill(badge);
  g.strokeStyle = '#ffffff';
  g.lineWidth = 2.4;
  g.stroke(badge);
  if (stroke) {
    g.lineWidth = stroke;
    g.stroke(glyph);
  } else {
    g.fillStyle = '#ffffff';
    g.fill(glyph);
  }
}
