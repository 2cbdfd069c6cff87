import { formatAge } from '../settings/formats';
import { t as mapText, type TextKey } from '../settings/language';
import { h } from '../ui/dom';
import type { TabContext, TabContent } from './tab-content';
import { Table } from './table';
import { t, textOfCode } from './texts';
import { timeAndAge, msOf } from './time';

export interface Receiver {
  receiver_id: string;
  last_seen_at_us?: string;
  frames_per_minute?: number;
  frames?: string;
  unusable_frames?: string;
  set_aside_since_us?: string;
  set_aside_reason?: string;
  clock_trouble?: string;
  clock_offset_us?: string;
}

export interface ReceiverList {
  receivers?: Receiver[];
}

/** From this share of unusable frames on a receiver is listed, percent. */
const RUBBISH_PCT = 5;
/** Fewer frames say nothing. */
const ENOUGH_FRAMES = 100;
const CLOCK_TROUBLES: Record<string, TextKey> = { offset: 'clock.offset', jumped: 'clock.jumped', standing: 'clock.standing', drifting: 'clock.drifting' };

/** Unusable frames among all of them, percent. */
export function unusablePct({ frames, unusable_frames }: Receiver): number {
  const [good, bad] = [Number(frames ?? 0), Number(unusable_frames ?? 0)];
  return good + bad < ENOUGH_FRAMES ? 0 : (100 * bad) / (good + bad);
}

/** Something is wrong with its clock, or with its frames. */
export function isInTrouble(receiver: Receiver): boolean {
  return receiver.clock_trouble !== undefined || receiver.set_aside_since_us !== undefined || unusablePct(receiver) >= RUBBISH_PCT;
}

/** `is off by more than 10 s (+34 s)`. */
export function clockText({ clock_trouble, clock_offset_us }: Receiver): string {
  if (clock_trouble === undefined) return '';
  const offsetMs = Number(clock_offset_us ?? 0) / 1000;
  const off = clock_offset_us === undefined ? '' : ` (${offsetMs < 0 ? '−' : '+'}${formatAge(Math.abs(offsetMs))})`;
  return `${mapText(CLOCK_TROUBLES[clock_trouble] ?? 'clock.other')}${off}`;
}

export function receiversTab({ api, formats }: TabContext): TabContent {
  const all = h('input', { id: 'all-receivers', type: 'checkbox' });
  let receivers: readonly Receiver[] = [];
  const table = new Table<Receiver>({
    id: 'receivers', caption: 'tab.receivers', empty: 'receivers.none', sort: { column: 0, ascending: true }, key: ({ receiver_id }) => receiver_id, name: ({ receiver_id }) => receiver_id,
    isAlarm: ({ set_aside_since_us }) => set_aside_since_us !== undefined,
    columns: [
      { label: 'column.receiver', value: ({ receiver_id }) => receiver_id },
      { label: 'column.clock', value: clockText },
      { label: 'column.setAside', value: ({ set_aside_since_us }) => msOf(set_aside_since_us), text: ({ set_aside_since_us }) => timeAndAge(msOf(set_aside_since_us), formats, Date.now()) },
      { label: 'column.reason', value: ({ set_aside_reason }) => textOfCode('reason', set_aside_reason) },
      { label: 'column.unusable', value: unusablePct, text: (receiver) => `${unusablePct(receiver).toFixed(1)} %` },
      { label: 'column.perMinute', value: ({ frames_per_minute }) => frames_per_minute, text: ({ frames_per_minute }) => (frames_per_minute ?? 0).toFixed(0) },
      { label: 'column.heard', value: ({ last_seen_at_us }) => msOf(last_seen_at_us), text: ({ last_seen_at_us }) => timeAndAge(msOf(last_seen_at_us), formats, Date.now()) },
    ],
  });
  const show = () => table.show(all.checked ? receivers : receivers.filter(isInTrouble));
  all.addEventListener('change', show);
  return {
    element: h('div', {}, h('p', { class: 'small' }, t('receivers.note')), h('p', { class: 'labelled' }, all, h('label', { for: 'all-receivers' }, t('receivers.all'))), table.element),
    everyMs: 15_000,
    async load() {
      const { body, refusal } = await api.get<ReceiverList>('receivers');
      if (body) {
        receivers = body.receivers ?? [];
        show();
      }
      return refusal;
    },
  };
}
