import { formatAddress } from './live/address';
import type { AirPicture } from './live/picture';
import type { Session } from './live/session';
import type { Board } from './map/board';
import type { Past } from './motion/past';

/** Read-only functions for browser tests, as `window.updraft`. Nothing on the page depends on them. */
export interface Hooks {
  /** The snapshot is complete and updates come. */
  connected(): boolean;
  counts(): { aircraft: number; ground: number; thermals: number; stations: number; receivers: number; alerts: number };
  /** The newest known states, not the extrapolated ones. */
  aircraft(): { device: string; lat: number; lon: number; alt: number | undefined; name: string | undefined; version: number }[];
  /** How often an aircraft was drawn at another place than the time before. */
  moved(): number;
  /** Positions in each segment of the recorded track that is shown. */
  track(): number[];
}

export function hooks(session: Session, picture: AirPicture, board: Board, past: Past): Hooks {
  return Object.freeze({
    connected: () => session.status === 'live',
    counts: () => ({
      aircraft: picture.aircraft.size,
      ground: picture.ground.size,
      thermals: picture.thermals.size,
      stations: picture.stations.size,
      receivers: picture.receivers.size,
      alerts: picture.alerts.size,
    }),
    aircraft: () => [...picture.aircraft.values()].map(({ device, lat, lon, altitudeM, name, version }) => ({
      device: formatAddress(device), lat, lon, alt: altitudeM, name, version,
    })),
    moved: () => board.moved,
    track: () => past.segments.map(({ length }) => length),
  });
}
