// The selection, followed devices, filter and hidden layers in the fragment of the page's address, beside the map's own
// `map=`.
import { formatAddress, parseAddress } from 'updraft-client';
import { GROUP_FIELDS, parseGroup, writeGroup, type Group } from './group';
import { LAYER_KEYS, type LayerKey } from './map/layers/layer';
import type { Selection } from './selection';
import { EVERYTHING, parseFilter, writeFilter, type Filter } from './ui/filter';

/** The kinds of objects that can be selected. */
const SELECTED = ['device', 'station', 'thermal', 'receiver', 'landmark', 'wind'] as const satisfies readonly Selection['kind'][];

/** The address follows so often while the past is played, ms; and so often while the user drags the slider. */
const CHANGING_MS = 5000;
const REST_MS = 500;

export interface PageState {
  selection: Selection | undefined;
  /** Of the selected device, shown in place of the last hours; ms since the Unix epoch. */
  flight: { from: number; to: number } | undefined;
  followed: readonly number[];
  hidden: readonly LayerKey[];
  filter: Filter;
  group: Group | undefined;
  /** The time that is shown, ms since the Unix epoch; undefined: live. */
  at: number | undefined;
  /** Whether the terrain is shown in 3D. */
  raised: boolean;
}

/** Layers that are off unless the address switches them on. */
export const HIDDEN_AT_FIRST: readonly LayerKey[] = ['winds', 'receivers'];

export function readState(hash: string): PageState {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  const followed = list(fields.get('follow')).map(parseAddress).filter((address) => address !== undefined);
  const hidden = fields.get('hide');
  const selection = parseSelection(fields);
  return {
    selection,
    flight: selection?.kind === 'device' ? parseFlight(fields.get('flight')) : undefined,
    followed: [...new Set(followed)],
    hidden: hidden === null ? HIDDEN_AT_FIRST : LAYER_KEYS.filter((key) => list(hidden).includes(key)),
    filter: parseFilter(fields.get('filter')),
    group: parseGroup(fields),
    at: parseTime(fields.get('at')),
    raised: fields.get('terrain') === '3d',
  };
}

/** The fragment with this state; parameters of other parts of the page are kept. */
export function writeState(hash: string, { selection, flight, followed, hidden, filter, group, at, raised }: PageState): string {
  const written = writeGroup(group);
  const fields = [
    ...SELECTED.map((kind) => [kind, selection?.kind === kind ? idOf(selection) : undefined] as const),
    ['flight', flight && `${timeText(flight.from)}/${timeText(flight.to)}`],
    ['follow', followed.length === 0 ? undefined : followed.map(formatAddress).join(',')],
    ['hide', [...hidden].sort().join() === [...HIDDEN_AT_FIRST].sort().join() ? undefined : hidden.join(',')],
    ['filter', writeFilter(filter) || undefined],
    ...GROUP_FIELDS.map((name) => [name, written[name]] as const),
    ['at', at === undefined ? undefined : timeText(at)],
    ['terrain', raised ? '3d' : undefined],
  ] as const;
  const ours = new Set<string>(fields.map(([name]) => name));
  const others = hash.replace(/^#/, '').split('&').filter((field) => field !== '' && !ours.has(field.split('=')[0]!));
  const own = fields.filter(([, value]) => value !== undefined).map(([name, value]) => `${name}=${value}`);
  const all = [...others, ...own].join('&');
  return all === '' ? '' : `#${all}`;
}

/** Keeps the state of the page in its address. Browsers count its changes: while the state changes by itself, it follows now and then. */
export class AddressBar {
  #writtenAt = 0;
  #isStale = false;

  write(state: PageState): void {
    this.#writtenAt = Date.now();
    this.#isStale = false;
    history.replaceState(history.state, '', writeState(location.hash, state) || location.pathname + location.search);
  }

  /** The state has changed, and is about to change again. */
  markStale(): void {
    this.#isStale = true;
  }

  /** `changing`: the state changes by itself. */
  isDue(now: number, changing: boolean): boolean {
    const interval = this.#isStale ? REST_MS : changing ? CHANGING_MS : Infinity;
    return now - this.#writtenAt >= interval;
  }
}

/** Nothing selected, followed or filtered, and live. */
export const FIRST_STATE: PageState = { selection: undefined, flight: undefined, followed: [], hidden: HIDDEN_AT_FIRST, filter: EVERYTHING, group: undefined, at: undefined, raised: false };

function parseSelection(fields: URLSearchParams): Selection | undefined {
  for (const kind of SELECTED) {
    const text = fields.get(kind) ?? '';
    if (kind === 'device' || kind === 'station') {
      const device = parseAddress(text);
      if (device !== undefined) return { kind, device };
    } else if (text !== '') {
      return { kind, id: text };
    }
  }
  return undefined;
}

function idOf(selection: Selection): string {
  return 'device' in selection ? formatAddress(selection.device) : encodeURIComponent(selection.id);
}

/** `2026-06-01T12:00:00Z/2026-06-01T14:00:00Z`. */
function parseFlight(text: string | null): PageState['flight'] {
  const [from, to] = (text ?? '').split('/').map(parseTime);
  return from !== undefined && to !== undefined && from < to ? { from, to } : undefined;
}

function timeText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

/** `2026-06-01T12:00:00Z`, or without seconds. */
function parseTime(text: string | null | undefined): number | undefined {
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z$/.test(text ?? '') ? Date.parse(text!) : NaN;
  return Number.isFinite(at) ? at : undefined;
}

function list(text: string | null): string[] {
  return (text ?? '').split(',').filter((part) => part !== '');
}
