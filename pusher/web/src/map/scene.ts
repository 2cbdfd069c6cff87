import type { AirPicture } from '../live/picture';
import type { Air } from '../motion/air';
import type { Past } from '../motion/past';
import type { Selection } from '../selection';

/** Everything that is drawn in one go. */
export interface Scene {
  picture: AirPicture;
  air: Air;
  /** Client's clock, ms. */
  now: number;
  selection: Selection | undefined;
  followed: ReadonlySet<number>;
  past: Past;
}
