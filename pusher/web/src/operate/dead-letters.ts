import { h } from '../ui/dom';
import type { TabContext, TabContent } from './tab-content';
import { Table } from './table';
import { t, textOfCode } from './texts';
import { timeAndAge, msOf } from './time';

export interface DeadLetter {
  partition: number;
  offset: string;
  failed_at_us?: string;
  reason: string;
  service: string;
  service_version?: string;
  source_topic: string;
  source_partition?: number;
  source_offset?: string;
  receiver_id?: string;
  size?: number;
  /** Its first bytes, hex. */
  value?: string;
  explanation?: string;
}

export interface DeadLetterList {
  dead_letters?: DeadLetter[];
  truncated?: boolean;
}

const LIMIT = '200';

/** `fanet.raw.v1 7/1234`, or the topic of MQTT alone. */
export function sourceOf({ source_topic, source_partition, source_offset }: DeadLetter): string {
  return source_partition === undefined ? source_topic : `${source_topic} ${source_partition}/${source_offset ?? ''}`;
}

/** What its bytes mean, else the bytes alone. */
export function bytesOf({ explanation, value = '', size = 0 }: DeadLetter): string {
  const more = value.length / 2 < size ? ' …' : '';
  return explanation ?? (value.replace(/(..)(?=.)/g, '$1 ') || '–') + more;
}

export function deadLettersTab({ api, formats }: TabContext): TabContent {
  const truncated = h('p', { class: 'small', hidden: true }, t('list.truncated'));
  const table = new Table<DeadLetter>({
    id: 'dead-letters', caption: 'tab.dead-letters', empty: 'letters.none', sort: { column: 0, ascending: false }, key: ({ partition, offset }) => `${partition}/${offset}`, name: sourceOf,
    columns: [
      { label: 'column.time', value: ({ failed_at_us }) => msOf(failed_at_us), text: ({ failed_at_us }) => timeAndAge(msOf(failed_at_us), formats, Date.now()) },
      { label: 'column.reason', value: ({ reason }) => textOfCode('reason', reason) },
      { label: 'column.service', value: ({ service, service_version }) => [service, service_version].filter(Boolean).join(' ') },
      { label: 'column.source', value: sourceOf },
      { label: 'column.receiver', value: ({ receiver_id }) => receiver_id },
      { label: 'column.bytes', value: ({ size }) => size ?? 0, text: ({ size }) => t('letters.size', { count: size ?? 0 }), more: bytesOf },
    ],
  });
  return {
    element: h('div', {}, h('p', { class: 'small' }, t('letters.note')), truncated, table.element),
    // Each look is in the audit trail.
    everyMs: undefined,
    async load() {
      const { body, refusal } = await api.get<DeadLetterList>('dead-letters', { limit: LIMIT });
      if (body) {
        table.show(body.dead_letters ?? []);
        truncated.hidden = body.truncated !== true;
      }
      return refusal;
    },
  };
}
