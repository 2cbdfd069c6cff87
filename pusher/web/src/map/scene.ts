import type { AirPicture, Position } from 'updraft-client';
import type { ReceiverReport } from '../live/receiver-reports';
import type { Air } from '../motion/air';
import type { Flights } from '../motion/flights';
import type { Past } from '../motion/past';
import type { Selection } from '../selection';
import type { Formats } from '../settings/formats';
import type { Filter, Marks } from '../ui/filter';
import type { ColourScale } from './symbols/colour';

/** Everything that is drawn in one go. */
export interface Scene extends Marks {
  picture: AirPicture;
  air: Air;
  /** Client's clock, ms. */
  now: number;
  selection: Selection | undefined;
  followed: ReadonlySet<number>;
  past: Past;
  flights: Flights;
  filter: Filter;
  colour: ColourScale;
  formats: Formats;
  /** Metres above sea level; undefined where nothing is known (yet). */
  elevationAt: (lat: number, lon: number) => number | undefined;
  /** Coverage and clock of a receiver; undefined until the server has reported them. */
  receiverReport: (id: string) => ReceiverReport | undefined;
  /** With its direction, as the user reads it; undefined: the user's position is not known. */
  distanceFromHere: (position: Position) => string | undefined;
}
