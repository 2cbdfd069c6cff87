import type { AirPicture, Position } from 'updraft-client';
import type { ReceiverReport } from '../live/receiver-reports';
import type { Wind } from '../live/winds';
import type { ZoneFeature } from '../live/zones';
import type { Flights } from '../motion/flights';
import type { Motion } from '../motion/motion';
import type { Past } from '../motion/past';
import type { Selection } from '../selection';
import type { Formats } from '../settings/formats';
import type { Filter, Marks } from '../ui/filter';
import type { ColourScale } from './symbols/colour';

/** Everything that is drawn in one go. */
export interface Scene extends Marks {
  picture: AirPicture;
  air: Motion;
  /** Client's clock, ms; in the past the time that is shown. */
  now: number;
  /** False: a time of the past is shown. */
  isLive: boolean;
  selection: Selection | undefined;
  followed: ReadonlySet<number>;
  past: Past;
  flights: Flights;
  filter: Filter;
  colour: ColourScale;
  winds: readonly Wind[];
  /** The lowest altitude of the band of winds that is drawn, metres. */
  windBand: number;
  zones: readonly ZoneFeature[];
  formats: Formats;
  /** Metres above sea level; undefined where nothing is known (yet). */
  elevationAt: (lat: number, lon: number) => number | undefined;
  /** Coverage and clock of a receiver; undefined until the server has reported them. */
  receiverReport: (id: string) => ReceiverReport | undefined;
  /** When a version of a device came to this page, server's clock, ms; undefined: not as an update. */
  arrivalOf: (device: number, version: number) => number | undefined;
  /** With its direction, as the user reads it; undefined: the user's position is not known. */
  distanceFromHere: (position: Position) => string | undefined;
}
