import { formatPosition } from '../settings/formats';
import { h, setText } from '../ui/dom';
import { deviceAddress, hashOf, mapHash } from './address';
import type { TabContext, TabContent } from './tab-content';
import { changeOf, DEVICE_CHANGES, mayChange, type DeviceChange } from './device-changes';
import { managesAny } from './caller';
import { DevicePositions } from './positions';
import { refusalText } from './refusal';
import { Table, type RowAction } from './table';
import { t, textOfCode } from './texts';
import { timeAndAge, msOf } from './time';

interface Position {
  latitude_deg: number;
  longitude_deg: number;
}

export interface Validation {
  device: string;
  score: number;
  published?: boolean;
  plausible_frames?: string;
  implausible_frames?: string;
  last_reason?: string;
  address_conflict?: { since_us?: string; newest_us?: string; frames?: string; position?: Position; receiver_id?: string; other_position?: Position; other_receiver_id?: string };
}

export interface ValidationList {
  devices?: Validation[];
  truncated?: boolean;
}

/** Those that two devices use, and those that are in doubt by themselves. */
export function divided(devices: readonly Validation[]): { suspects: Validation[]; conflicts: Validation[] } {
  return {
    conflicts: devices.filter(({ address_conflict }) => address_conflict !== undefined),
    suspects: devices.filter(({ address_conflict, last_reason }) => address_conflict === undefined || last_reason !== undefined),
  };
}

/** `46.6° N 7.8° E, by ogn-be-1`. */
function whereOf(position: Position | undefined, receiver: string | undefined): string {
  const at = position ? formatPosition(position.latitude_deg, position.longitude_deg) : t('devices.noPosition');
  return receiver === undefined ? at : t('devices.by', { position: at, receiver });
}

export function devicesTab(context: TabContext): TabContent {
  const { api, formats, caller } = context;
  const action = (change: DeviceChange): RowAction<Validation> => ({
    label: `change.${change}`, isFor: ({ device }) => mayChange(caller, change, device), run: ({ device }) => void context.change(changeOf(context, change, device)),
  });
  const shared = { key: ({ device }: Validation) => device, name: ({ device }: Validation) => device, actions: [action('reset'), action('hide'), action('deny')] };
  const suspects = new Table<Validation>({
    ...shared, id: 'suspects', caption: 'devices.suspects', empty: 'devices.noSuspects', sort: { column: 1, ascending: true },
    columns: [
      { label: 'column.device', value: ({ device }) => device, href: ({ device }) => mapHash(device) },
      { label: 'column.score', value: ({ score }) => score },
      { label: 'column.reason', value: ({ last_reason }) => textOfCode('reason', last_reason) },
      { label: 'column.shown', value: ({ published }) => t(published ? 'yes' : 'no') },
      { label: 'column.plausible', value: ({ plausible_frames }) => Number(plausible_frames ?? 0) },
      { label: 'column.implausible', value: ({ implausible_frames }) => Number(implausible_frames ?? 0) },
    ],
  });
  const conflicts = new Table<Validation>({
    ...shared, id: 'conflicts', caption: 'devices.conflicts', empty: 'devices.noConflicts', sort: { column: 1, ascending: false },
    columns: [
      { label: 'column.device', value: ({ device }) => device, href: ({ device, address_conflict }) => mapHash(device, address_conflict?.position) },
      { label: 'column.newest', value: ({ address_conflict }) => msOf(address_conflict?.newest_us), text: ({ address_conflict }) => timeAndAge(msOf(address_conflict?.newest_us), formats, Date.now()) },
      { label: 'column.since', value: ({ address_conflict }) => msOf(address_conflict?.since_us), text: ({ address_conflict }) => timeAndAge(msOf(address_conflict?.since_us), formats, Date.now()) },
      { label: 'column.followed', value: ({ address_conflict }) => whereOf(address_conflict?.position, address_conflict?.receiver_id) },
      { label: 'column.other', value: ({ address_conflict }) => whereOf(address_conflict?.other_position, address_conflict?.other_receiver_id) },
      { label: 'column.otherFrames', value: ({ address_conflict }) => Number(address_conflict?.frames ?? 0) },
    ],
  });
  const search = new DeviceSearch(context);
  const truncated = h('p', { class: 'small', hidden: true }, t('list.truncated'));
  return {
    element: h('div', {}, search.element, h('p', { class: 'small' }, t('devices.note')), truncated, conflicts.element, suspects.element),
    everyMs: 10_000,
    about: (subject) => search.find(subject),
    async load() {
      const { body, refusal } = await api.get<ValidationList>('validation');
      if (body) {
        const { suspects: doubtful, conflicts: shared } = divided(body.devices ?? []);
        suspects.show(doubtful);
        conflicts.show(shared);
        truncated.hidden = body.truncated !== true;
      }
      await search.load();
      return refusal;
    },
  };
}

/** One device by its address, with everything that can be done about it. */
class DeviceSearch {
  readonly #context: TabContext;
  readonly #input = h('input', { id: 'device', type: 'text', maxlength: 6, autocomplete: 'off', spellcheck: 'false', placeholder: '110B90' });
  readonly #found = h('div', { class: 'found', role: 'status' });
  /** Of the device that is found. */
  readonly #positions = h('div');
  readonly element: HTMLElement;
  #device: string | undefined;

  constructor(context: TabContext) {
    this.#context = context;
    const form = h('form', { class: 'filter-form', role: 'search' }, h('label', { for: 'device' }, t('devices.search')), this.#input, h('button', { type: 'submit', class: 'action' }, t('devices.find')), this.#found);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.find(this.#input.value);
      void this.load();
    });
    this.element = h('div', {}, form, this.#positions);
  }

  find(text: string): void {
    if (text.trim() === '') return;
    const device = deviceAddress(text);
    this.#input.value = text.trim();
    if (device !== this.#device) this.#positions.replaceChildren(...(device !== undefined && managesAny(this.#context.caller) ? [new DevicePositions(this.#context, device).element] : []));
    this.#device = device;
    this.#found.replaceChildren(...(device === undefined ? [t('devices.noAddress')] : []));
  }

  async load(): Promise<void> {
    const device = this.#device;
    if (device === undefined) return;
    const { api, caller } = this.#context;
    const { body, refusal } = await api.get<Validation>(`validation/${device}`);
    if (device !== this.#device) return;
    const state = refusal ? refusalText(refusal) : t('devices.state', {
      device, score: body.score, shown: t(body.published ? 'yes' : 'no'), reason: textOfCode('reason', body.last_reason) || '–',
    });
    const text = this.#found.querySelector('.state');
    // Its buttons stay, and with them the focus.
    if (text && this.#found.getAttribute('data-device') === device) {
      setText(text, state);
      return;
    }
    this.#found.setAttribute('data-device', device);
    this.#found.replaceChildren(h('span', { class: 'state' }, state),
      h('span', { class: 'row-actions' },
        ...DEVICE_CHANGES.filter((change) => mayChange(caller, change, device)).map((change) => h('button', {
          type: 'button', class: 'action', 'data-action': `change.${change}`, onclick: () => void this.#context.change(changeOf(this.#context, change, device)),
        }, t(`change.${change}`))),
        h('a', { class: 'file', href: mapHash(device) }, t('devices.map')), h('a', { class: 'file', href: hashOf('audit', device) }, t('tab.audit'))));
  }
}
