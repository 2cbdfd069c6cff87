import { AircraftKind } from 'updraft-client';
import { t } from '../../settings/language';
import { fillOutlined } from './canvas';

type Draw = (g: CanvasRenderingContext2D, colour: string) => void;

/** A wing seen from above, its nose to the north. */
const WING = new Path2D('M0 -10 C7 -10 13.5 -6.5 16 0.5 C16.3 1.6 15 2.2 14.1 1.5 C10.5 -1.9 5.5 -3.8 0 -3.8 C-5.5 -3.8 -10.5 -1.9 -14.1 1.5 C-15 2.2 -16.3 1.6 -16 0.5 C-13.5 -6.5 -7 -10 0 -10 Z');
const LINES = new Path2D('M-9 -2.2 L0 8 L9 -2.2 M0 -3.8 L0 8');
const PILOT = new Path2D('M0 5.2 a2.9 2.9 0 1 1 0 5.8 a2.9 2.9 0 1 1 0 -5.8 Z');
const DELTA = new Path2D('M0 -11 L16 5.5 C16.4 6.2 15.8 6.9 15 6.6 L4 2.6 L0 5 L-4 2.6 L-15 6.6 C-15.8 6.9 -16.4 6.2 -16 5.5 Z');
const GLIDER = new Path2D('M0 -13 C1.6 -13 2 -9.5 2 -6.2 L17.2 -4.6 C18.4 -4.4 18.4 -2.5 17.2 -2.4 L2 -1.6 L1.2 9.4 L5 10.6 L5 12.6 L0 12.2 L-5 12.6 L-5 10.6 L-1.2 9.4 L-2 -1.6 L-17.2 -2.4 C-18.4 -2.5 -18.4 -4.4 -17.2 -4.6 L-2 -6.2 C-2 -9.5 -1.6 -13 0 -13 Z');
const PLANE = new Path2D('M0 -14 C2 -14 2.6 -11.5 2.6 -8.4 L2.6 -6.6 L14.6 -4.4 L14.6 0.4 L2.6 0.8 L1.7 8.6 L6.4 10.6 L6.4 13.4 L0 12.6 L-6.4 13.4 L-6.4 10.6 L-1.7 8.6 L-2.6 0.8 L-14.6 0.4 L-14.6 -4.4 L-2.6 -6.6 L-2.6 -8.4 C-2.6 -11.5 -2 -14 0 -14 Z');
const BODY = new Path2D('M0 -10.5 C3.8 -10.5 4.6 -6.2 4.6 -2.8 C4.6 0.8 2.6 3 1.4 4.2 L1.2 11 L4.6 11 L4.6 13.6 L-4.6 13.6 L-4.6 11 L-1.2 11 L-1.4 4.2 C-2.6 3 -4.6 0.8 -4.6 -2.8 C-4.6 -6.2 -3.8 -10.5 0 -10.5 Z');
const ROTOR = new Path2D('M-10.5 -13.2 L10.5 7.2 M10.5 -13.2 L-10.5 7.2');
const ENVELOPE = new Path2D('M0 -14 C7.6 -14 12 -8.8 12 -3.2 C12 2.4 6.6 6.2 3.6 9 L-3.6 9 C-6.6 6.2 -12 2.4 -12 -3.2 C-12 -8.8 -7.6 -14 0 -14 Z');
const GORES = new Path2D('M0 -14 C-5.6 -8 -5.6 1 -1.6 9 M0 -14 C5.6 -8 5.6 1 1.6 9');
const BASKET = new Path2D('M-2.8 11.2 L2.8 11.2 L2.3 15 L-2.3 15 Z');
const ARMS = new Path2D('M-8 -8 L8 8 M8 -8 L-8 8');
const HUB = new Path2D('M0 -6 L4 2.6 L0 1 L-4 2.6 Z');
const ARROW = new Path2D('M0 -13 L9.6 10.6 L0 5.6 L-9.6 10.6 Z');

function line(g: CanvasRenderingContext2D, path: Path2D, width: number, colour = '#0c1620'): void {
  g.lineWidth = width;
  g.strokeStyle = colour;
  g.stroke(path);
}

function paraglider(g: CanvasRenderingContext2D, colour: string): void {
  line(g, LINES, 1.1, 'rgba(12, 22, 32, 0.65)');
  fillOutlined(g, PILOT, colour);
  fillOutlined(g, WING, colour);
}

function balloon(g: CanvasRenderingContext2D, colour: string): void {
  fillOutlined(g, BASKET, '#b08d57');
  fillOutlined(g, ENVELOPE, colour);
  line(g, GORES, 1, 'rgba(12, 22, 32, 0.5)');
}

function helicopter(g: CanvasRenderingContext2D, colour: string): void {
  line(g, ROTOR, 4.4, 'rgba(255, 255, 255, 0.75)');
  fillOutlined(g, BODY, colour);
  line(g, ROTOR, 1.9);
}

function uav(g: CanvasRenderingContext2D, colour: string): void {
  line(g, ARMS, 5.4, 'rgba(255, 255, 255, 0.75)');
  line(g, ARMS, 2.6);
  for (const [x, y] of [[-9, -9], [9, -9], [9, 9], [-9, 9]] as const) {
    const rotor = new Path2D();
    rotor.arc(x, y, 4.4, 0, 2 * Math.PI);
    fillOutlined(g, rotor, colour);
  }
  fillOutlined(g, HUB, colour);
}

function plain(path: Path2D): Draw {
  return (g, colour) => fillOutlined(g, path, colour);
}

interface Kind {
  label: () => string;
  draw: Draw;
  /** False: it looks the same in every direction. */
  turns: boolean;
}

const OTHER: Kind = { label: () => t('kind.1'), draw: plain(ARROW), turns: true };

const KINDS: Record<number, Kind> = {
  [AircraftKind.AIRCRAFT_KIND_PARAGLIDER]: { label: () => t('kind.2'), draw: paraglider, turns: true },
  [AircraftKind.AIRCRAFT_KIND_HANG_GLIDER]: { label: () => t('kind.3'), draw: plain(DELTA), turns: true },
  [AircraftKind.AIRCRAFT_KIND_GLIDER]: { label: () => t('kind.5'), draw: plain(GLIDER), turns: true },
  [AircraftKind.AIRCRAFT_KIND_BALLOON]: { label: () => t('kind.4'), draw: balloon, turns: false },
  [AircraftKind.AIRCRAFT_KIND_POWERED]: { label: () => t('kind.6'), draw: plain(PLANE), turns: true },
  [AircraftKind.AIRCRAFT_KIND_HELICOPTER]: { label: () => t('kind.7'), draw: helicopter, turns: true },
  [AircraftKind.AIRCRAFT_KIND_UAV]: { label: () => t('kind.8'), draw: uav, turns: true },
  [AircraftKind.AIRCRAFT_KIND_OTHER]: OTHER,
};

export function aircraftKind(kind: number): Kind {
  return KINDS[kind] ?? OTHER;
}

/** For the legend. */
export const AIRCRAFT_KINDS = Object.keys(KINDS).map(Number);
