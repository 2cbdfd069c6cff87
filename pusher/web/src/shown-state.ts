import type { PageState } from './address-bar';
import { coloursOf, type Group } from './group';
import { bandOf } from './live/winds';
import type { LayerKey } from './map/layers/layer';
import type { PastFlight } from './motion/flights';
import { isSameSelection, type Selection } from './selection';
import type { Shown } from './ui/account-panel';
import type { Filter } from './ui/filter';

/** What the user has chosen to see: what links carry, and what a signed-in person sees alone. */
export class ShownState {
  #selection: Selection | undefined;
  /** Of the selected device, shown in place of the last hours. */
  flight: PastFlight | undefined;
  filter: Filter;
  /** Of a signed-in person: what is shown alone. */
  alone: Shown = 'all';
  group: Group | undefined;
  /** The band of the wind that was selected last, its lowest altitude in metres, in place of the user's choice. */
  windBandM: number | undefined;
  /** The terrain is shown in 3D. */
  raised: boolean;
  readonly hidden: Set<LayerKey>;

  constructor(state: PageState, hasTerrain: boolean) {
    this.selection = state.selection;
    this.flight = flightOf(state);
    this.filter = state.filter;
    this.group = state.group;
    this.raised = state.raised && hasTerrain;
    this.hidden = new Set(state.hidden);
  }

  get selection(): Selection | undefined {
    return this.#selection;
  }

  /** A flight is one of the selected device. The map shows the band of a selected wind. */
  set selection(selection: Selection | undefined) {
    if (!isSameSelection(selection, this.#selection)) this.flight = undefined;
    if (selection?.kind === 'wind') this.windBandM = bandOf(selection.id) ?? this.windBandM;
    this.#selection = selection;
  }

  /** The colours of the group's members, at this time. */
  coloursAt(now: number): ReadonlyMap<number, string> {
    return coloursOf(this.group, now);
  }

  /** Takes selection, flight and group of a link. */
  open(state: PageState): void {
    this.selection = state.selection;
    this.flight = flightOf(state);
    this.group = state.group;
  }

  toPageState(followed: Iterable<number>, at: number | undefined): PageState {
    const { selection, flight, hidden, filter, group, raised } = this;
    return { selection, flight, followed: [...followed], hidden: [...hidden], filter, group, at, raised };
  }
}

/** The length of a flight in a link is not known. */
function flightOf({ flight }: PageState): PastFlight | undefined {
  return flight && { ...flight, distanceKm: 0 };
}
