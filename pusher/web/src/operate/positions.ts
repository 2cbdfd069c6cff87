import { formatPosition } from '../settings/formats';
import { h } from '../ui/dom';
import type { Answer, Receipt } from './api';
import { managesAny } from './caller';
import { refusalText } from './refusal';
import { Table } from './table';
import type { TabContext } from './tab-content';
import { t, textOfCode } from './texts';
import { msOf } from './time';

export interface RecordedPosition {
  observation_id: string;
  event_at_us: string;
  position?: { latitude_deg: number; longitude_deg: number; altitude_m?: number };
  speed_kmh?: number;
  climb_mps?: number;
  ground_kind?: string;
  source?: string;
  score?: number;
  of_track?: boolean;
  private?: boolean;
}

interface PositionList {
  positions?: RecordedPosition[];
  truncated?: boolean;
}

const MINUTES = [10, 60] as const;

/** The period that ends at a local time of the field, or now where it is empty. */
export function periodOf(until: string, zoneOffsetMs: (ms: number) => number, minutes: number): Record<string, string> {
  if (until === '') return { hours: String(minutes / 60) };
  const wall = Date.parse(`${until}Z`);
  const to = wall - zoneOffsetMs(wall);
  return { from: new Date(to - minutes * 60_000).toISOString(), to: new Date(to).toISOString() };
}

/** The recorded positions of one device, each of which can be rejected, moved or accepted. Loaded only when it is asked for: each look is in the audit trail. */
export class DevicePositions {
  readonly #context: TabContext;
  readonly #device: string;
  readonly #until = h('input', { id: 'positions-until', type: 'datetime-local', step: 1 });
  readonly #minutes = h('select', { id: 'positions-minutes', 'aria-label': t('positions.length') }, ...MINUTES.map((minutes) => h('option', { value: minutes }, t('positions.minutes', { minutes }))));
  readonly #problem = h('p', { class: 'small', role: 'status' });
  readonly #table: Table<RecordedPosition>;
  readonly element: HTMLElement;

  constructor(context: TabContext, device: string) {
    this.#context = context;
    this.#device = device;
    const { formats, caller } = context;
    const mayDecide = managesAny(caller);
    this.#table = new Table<RecordedPosition>({
      id: 'positions', caption: 'positions.title', empty: 'positions.none', sort: { column: 0, ascending: false },
      key: ({ observation_id }) => observation_id, name: ({ event_at_us }) => formats.sortableTime(msOf(event_at_us) ?? 0),
      isAlarm: ({ of_track }) => of_track !== true,
      columns: [
        { label: 'column.time', value: ({ event_at_us }) => msOf(event_at_us), text: ({ event_at_us }) => formats.sortableTime(msOf(event_at_us) ?? 0) },
        { label: 'column.position', value: ({ position }) => position?.latitude_deg, text: ({ position }) => (position ? formatPosition(position.latitude_deg, position.longitude_deg) : '') },
        { label: 'column.altitude', value: ({ position }) => position?.altitude_m, text: ({ position }) => formats.altitude(position?.altitude_m) },
        { label: 'column.speed', value: ({ speed_kmh }) => speed_kmh, text: ({ speed_kmh, ground_kind }) => (ground_kind === undefined ? formats.speed(speed_kmh) : ground_kind.replaceAll('_', ' ')) },
        { label: 'column.source', value: ({ source }) => textOfCode('source', source) },
        { label: 'column.ofTrack', value: ({ of_track }) => t(of_track ? 'yes' : 'no') },
      ],
      actions: [
        { label: 'positions.reject', isFor: ({ of_track }) => mayDecide && of_track === true, run: (row) => void this.#decide('reject', row) },
        { label: 'positions.move', isFor: ({ of_track }) => mayDecide && of_track === true, run: (row) => void this.#decide('move', row) },
        { label: 'positions.accept', isFor: ({ of_track }) => mayDecide && of_track !== true, run: (row) => void this.#decide('accept', row) },
      ],
    });
    const form = h('form', { class: 'filter-form' },
      h('label', { for: 'positions-until' }, t('positions.until')), this.#until, this.#minutes,
      h('button', { type: 'submit', class: 'action', id: 'positions-show' }, t('positions.show')));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.load();
    });
    this.element = h('section', { class: 'positions' }, h('p', { class: 'small' }, t('positions.note')), form, this.#problem, this.#table.element);
  }

  async load(): Promise<void> {
    const { api, formats } = this.#context;
    const period = periodOf(this.#until.value, (ms) => formats.zoneOffsetMs(ms), Number(this.#minutes.value));
    const { body, refusal } = await api.get<PositionList>(`devices/${this.#device}/positions`, period);
    this.#problem.textContent = refusal ? refusalText(refusal) : body.truncated ? t('list.truncated') : '';
    if (body) this.#table.show(body.positions ?? []);
  }

  async #decide(what: 'reject' | 'move' | 'accept', row: RecordedPosition): Promise<void> {
    const { api, formats, change } = this.#context;
    const about = { device: this.#device, time: formats.sortableTime(msOf(row.event_at_us) ?? 0) };
    const path = `devices/${this.#device}/positions/${row.observation_id}/${what === 'accept' ? 'accept' : 'reject'}`;
    const isDone = await change({
      question: {
        title: t(`positions.${what}.title`, about), text: t(`positions.${what}.text`), button: t(`positions.${what}`), remark: true,
        ...(what === 'move' && row.position && { position: row.position }),
      },
      request: (remark, position): Promise<Answer<Receipt>> => api.command(path, {
        event_at_us: row.event_at_us, ...(position && { position }), ...(remark !== '' && { remark }),
      }),
      done: t(`positions.${what}.done`, about),
    });
    // The historian writes a block within a second, and the processor before it.
    if (isDone) setTimeout(() => void this.load(), WRITTEN_MS);
  }
}

const WRITTEN_MS = 2_500;
