import { formatAddress, type AirPicture, type Session } from 'updraft-client';
import type { Board } from './map/board';
import type { Past } from './motion/past';
import type { Travel } from './travel/travel';

/** Read-only functions for browser tests, as `window.updraft`. Nothing on the page depends on them. */
export interface Hooks {
  /** The snapshot is complete and updates come. */
  connected(): boolean;
  /** The next connection can catch up from a resume token. */
  resumable(): boolean;
  counts(): { aircraft: number; ground: number; thermals: number; stations: number; receivers: number; alerts: number; landmarks: number };
  /** The newest known states, not the extrapolated ones. */
  aircraft(): { device: string; lat: number; lon: number; alt: number | undefined; name: string | undefined; version: number }[];
  /** How often an aircraft was drawn at another position than before. */
  moved(): number;
  /** Positions in each segment of the recorded track that is shown. */
  track(): number[];
  /** Where aircraft are drawn, or the ground below them, pixels of the map. */
  drawn(): { device: string; x: number; y: number }[];
  /** Where their symbols are painted, pixels of the map: over raised terrain at their altitude. */
  painted(): { device: string; x: number; y: number }[];
  /** The aircraft whose symbol or label is at a pixel of the map. */
  aircraftAt(x: number, y: number): string[];
  /** The aircraft that have a label. */
  labelled(): string[];
  /** The features of a style layer: names of places, heights of contour lines; for other layers only their number. */
  shown(layer: string): unknown[];
  /** How often the map was drawn. */
  frames(): number;
  /** Whether the tiles of a source for this view are there. */
  loaded(source: string): boolean;
  /** Where a layer shows an object with this id or name, pixels of the map; undefined: nowhere. */
  spot(layer: string, label: string): { x: number; y: number } | undefined;
  /** Milliseconds from navigation to the first aircraft on the screen. */
  firstAircraftMs(): number | undefined;
  /** What of the past is shown; undefined: the map is live. `positions`: how many are loaded. */
  travel(): { at: number; playing: boolean; loading: boolean; aircraft: number; positions: number } | undefined;
  /** Metres above sea level in the elevation model. */
  elevationAt(lat: number, lon: number): number | undefined;
  /** The height at which the terrain is drawn, metres; undefined: it is flat. */
  raisedAt(lat: number, lon: number): number | undefined;
}

export function hooks(session: Session, picture: AirPicture, board: Board, past: Past, travel: () => Travel | undefined): Hooks {
  return Object.freeze({
    connected: () => session.status === 'live',
    resumable: () => session.isResumable,
    counts: () => ({
      aircraft: picture.aircraft.size,
      ground: picture.ground.size,
      thermals: picture.thermals.size,
      stations: picture.stations.size,
      receivers: picture.receivers.size,
      alerts: picture.alerts.size,
      landmarks: picture.landmarks.size,
    }),
    aircraft: () => [...picture.aircraft.values()].map(({ device, lat, lon, altitudeM, name, version }) => ({
      device: formatAddress(device), lat, lon, alt: altitudeM, name, version,
    })),
    moved: () => board.moved,
    drawn: () => board.drawnAircraft().map(({ device, x, y }) => ({ device: formatAddress(device), x, y })),
    painted: () => board.paintedAircraft().map(({ device, x, y }) => ({ device: formatAddress(device), x, y })),
    aircraftAt: (x: number, y: number) => board.aircraftAt(x, y).map(formatAddress),
    labelled: () => board.labelled.map(formatAddress),
    shown: (layer: string) => board.shown(layer),
    frames: () => board.frames,
    loaded: (source: string) => board.map.getSource(source) !== undefined && board.map.isSourceLoaded(source),
    spot: (layer: string, label: string) => board.spot(layer, label),
    firstAircraftMs: () => board.firstAircraftMs,
    elevationAt: (lat: number, lon: number) => board.elevationAt(lat, lon),
    raisedAt: (lat: number, lon: number) => board.raisedAt(lat, lon),
    travel: () => {
      const shown = travel();
      return shown && { at: shown.at, playing: shown.playing, loading: shown.loading, aircraft: shown.air.picture.aircraft.size, positions: shown.positions };
    },
    track: () => past.segments.map(({ length }) => length),
  });
}
