import type { Position } from 'updraft-client';
import type { Group } from './group';
import type { LayerKey } from './map/layers/layer';
import type { Selection } from './selection';
import type { Preferences } from './settings/preferences';
import type { Shown } from './ui/account-panel';
import type { Filter } from './ui/filter';

/** What tools, keys and links change on the page. */
export interface PageActions {
  /** `show`: brings it into the middle; `elsewhere`: where it is if it is not in the air picture. */
  select(selection: Selection | undefined, show?: boolean, elsewhere?: Position): void;
  toggleFollow(device: number): void;
  setGroup(group: Group | undefined): void;
  setFilter(filter: Filter): void;
  /** Of a signed-in person: shows these devices alone. */
  showOnly(shown: Shown): void;
  /** Ends the filter, and what is shown alone. */
  showEverything(): void;
  setVisible(key: LayerKey, visible: boolean): void;
  /** Shows the terrain in 3D, or flat. */
  setRaised(raised: boolean): void;
  prefer(change: Partial<Preferences>): void;
  /** Shows the user's own position. */
  locate(): void;
  signOut(): Promise<void>;
  /** Subscribes to the objects of the view. */
  subscribe(): void;
  /** Shows list, details and banners of now. */
  showPanel(): void;
}
