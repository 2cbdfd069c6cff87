import { h } from '../ui/dom';
import { deviceAddress, hashOf } from './address';
import type { TabContext, TabContent } from './tab-content';
import { Table } from './table';
import { t, textOfCode } from './texts';
import { timeAndAge, msOf } from './time';

export interface AuditRecord {
  happened_at_us?: string;
  user_id: string;
  action: string;
  subject: string;
  scope?: string;
  details?: Record<string, string>;
  credential?: string;
  client_class?: string;
  outcome?: string;
  request_id?: string;
}

export interface AuditList {
  records?: AuditRecord[];
  truncated?: boolean;
}

const LIMIT = '200';

/** `device 110B90, remark found, unhurt`: without the id of the command. */
export function detailsText({ details = {} }: AuditRecord): string {
  return Object.entries(details).filter(([name]) => name !== 'command_id').map(([name, text]) => `${name}: ${text}`).sort().join('; ');
}

/** The device of a record. */
export function deviceOf({ subject, details }: AuditRecord): string | undefined {
  return deviceAddress(subject) ?? deviceAddress(details?.device ?? '');
}

export function auditTab({ api, formats }: TabContext): TabContent {
  const device = h('input', { id: 'audit-device', type: 'text', maxlength: 6, autocomplete: 'off', spellcheck: 'false' });
  const user = h('input', { id: 'audit-user', type: 'text', maxlength: 200, autocomplete: 'off', spellcheck: 'false' });
  const truncated = h('p', { class: 'small', hidden: true }, t('list.truncated'));
  const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  const table = new Table<AuditRecord & { index: number }>({
    id: 'audit', caption: 'tab.audit', empty: 'audit.none', sort: { column: 0, ascending: false }, key: ({ request_id, outcome, index }) => `${request_id ?? index}/${outcome ?? ''}`, name: ({ action }) => action,
    columns: [
      { label: 'column.time', value: ({ happened_at_us }) => msOf(happened_at_us), text: ({ happened_at_us }) => timeAndAge(msOf(happened_at_us), formats, Date.now()) },
      { label: 'column.user', value: ({ user_id }) => user_id },
      { label: 'column.action', value: ({ action }) => textOfCode('action', action) },
      { label: 'column.subject', value: ({ subject }) => subject, href: (record) => { const about = deviceOf(record); return about && hashOf('audit', about); } },
      { label: 'column.outcome', value: ({ outcome }) => textOfCode('outcome', outcome) },
      { label: 'column.details', value: detailsText },
      { label: 'column.credential', value: ({ credential, client_class }) => [credential, client_class].filter(Boolean).join(', ').replaceAll('_', ' ') },
      { label: 'column.request', value: ({ request_id }) => request_id },
    ],
  });
  const load = async () => {
    const about = device.value.trim() === '' ? undefined : deviceAddress(device.value);
    const isInvalid = device.value.trim() !== '' && about === undefined;
    problem.hidden = !isInvalid;
    problem.textContent = isInvalid ? t('devices.noAddress') : '';
    if (isInvalid) return undefined;
    const { body, refusal } = await api.get<AuditList>('audit', { device: about, user: user.value.trim(), limit: LIMIT });
    if (body) {
      table.show((body.records ?? []).map((record, index) => ({ ...record, index })));
      truncated.hidden = body.truncated !== true;
    }
    return refusal;
  };
  const form = h('form', { class: 'filter-form', role: 'search' },
    h('label', { for: 'audit-device' }, t('column.device')), device, h('label', { for: 'audit-user' }, t('column.user')), user, h('button', { type: 'submit', class: 'action' }, t('audit.search')));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    form.dispatchEvent(new CustomEvent('reload', { bubbles: true }));
  });
  return {
    element: h('div', {}, form, problem, truncated, table.element),
    // One search reads thousands of records, and one runs at a time.
    everyMs: 30_000,
    about: (subject) => { device.value = subject; },
    load,
  };
}
