import { h } from '../ui/dom';
import type { Answer, Receipt } from './api';
import type { Change, TabContext, TabContent } from './tab-content';
import { Table } from './table';
import { t, type Key } from './texts';

export interface Fleet {
  fleet_id: string;
  company_id: string;
  name: string;
  devices?: string[];
  user_ids?: string[];
  may_change?: boolean;
  active?: boolean;
}

export interface Company {
  company_id: string;
  name: string;
  suspended?: boolean;
  devices?: string[];
  fleets?: number;
  fleet_devices?: number;
  users?: number;
  limits?: { max_devices?: number; max_users?: number };
}

/** `110B90, 110B91` in a field, on one line or several. */
export function listOf(text: string): string[] {
  return text.split(/[\s,;]+/).filter((part) => part !== '');
}

const KINDS = ['fleet', 'company'] as const;
type Kind = (typeof KINDS)[number];
const PATHS = { fleet: 'fleets', company: 'companies' } as const;

/** Fleets and companies: lists, a form that writes one, and its removal. */
export function fleetsTab(context: TabContext): TabContent {
  const { api, caller } = context;
  const isOperator = caller.scopes.has('fleet:manage_any');
  const remove = (kind: Kind, id: string) => context.change(changeOf(kind, id, 'remove', async () => stored(await api.delete(`${PATHS[kind]}/${encodeURIComponent(id)}`))));
  const write = (kind: Kind, id: string, body: object) => context.change(changeOf(kind, id, 'save', async () => stored(await api.put(`${PATHS[kind]}/${encodeURIComponent(id)}`, body))));
  const fleetForm = form('fleet', ['company', 'name', 'devices', 'members'], (id, { company, name, devices, members }) => write('fleet', id, {
    company_id: company!, name: name!, devices: listOf(devices!), user_ids: listOf(members!),
  }));
  const companyForm = form('company', ['name', 'devices'], (id, { name, devices }) => write('company', id, { ...companies.get(id), name: name!, devices: listOf(devices!) }));
  /** What the form of a company does not show, and keeps. */
  const companies = new Map<string, { suspended?: boolean; limits?: object }>();
  const fleets = new Table<Fleet>({
    id: 'fleets', caption: 'tab.fleets', empty: 'fleets.none', sort: { column: 1, ascending: true }, key: ({ fleet_id }) => fleet_id, name: ({ name }) => name,
    columns: [
      { label: 'column.id', value: ({ fleet_id }) => fleet_id },
      { label: 'column.company', value: ({ company_id }) => company_id },
      { label: 'column.name', value: ({ name }) => name },
      { label: 'column.devices', value: ({ devices = [] }) => devices.length, text: ({ devices = [] }) => devices.join(', ') },
      { label: 'column.members', value: ({ user_ids = [] }) => user_ids.length, text: ({ user_ids = [] }) => user_ids.join(', ') },
    ],
    actions: [
      {
        label: 'fleets.edit', isFor: ({ may_change }) => may_change === true,
        run: ({ fleet_id, company_id, name, devices = [], user_ids = [] }) => fleetForm.fill(fleet_id, { company: company_id, name, devices: devices.join(' '), members: user_ids.join(' ') }),
      },
      { label: 'fleets.remove', isFor: ({ may_change }) => may_change === true, run: ({ fleet_id }) => void remove('fleet', fleet_id) },
    ],
  });
  const ofCompanies = new Table<Company>({
    id: 'companies', caption: 'fleets.companies', empty: 'fleets.noCompanies', sort: { column: 0, ascending: true }, key: ({ company_id }) => company_id, name: ({ name }) => name,
    isAlarm: ({ suspended }) => suspended === true,
    columns: [
      { label: 'column.id', value: ({ company_id }) => company_id },
      { label: 'column.name', value: ({ name }) => name },
      { label: 'column.devices', value: ({ devices = [] }) => devices.length, text: ({ devices = [] }) => devices.join(', ') },
      { label: 'tab.fleets', value: ({ fleets: count }) => count ?? 0 },
      { label: 'column.members', value: ({ users }) => users ?? 0, text: ({ users = 0, limits }) => `${users} / ${limits?.max_users ?? ''}` },
    ],
    actions: [
      { label: 'fleets.edit', isFor: () => isOperator, run: ({ company_id, name, devices = [] }) => companyForm.fill(company_id, { name, devices: devices.join(' ') }) },
      { label: 'fleets.remove', isFor: () => isOperator, run: ({ company_id }) => void remove('company', company_id) },
    ],
  });
  return {
    element: h('div', {}, h('p', { class: 'small' }, t('fleets.note')), fleets.element, fleetForm.element, ofCompanies.element, isOperator && companyForm.element),
    everyMs: 30_000,
    async load() {
      const [ofFleets, all] = await Promise.all([api.get<{ fleets?: Fleet[] }>('fleets'), api.get<{ companies?: Company[] }>('companies')]);
      if (ofFleets.body) fleets.show(ofFleets.body.fleets ?? []);
      if (all.body) {
        companies.clear();
        for (const { company_id, suspended = false, limits } of all.body.companies ?? []) companies.set(company_id, { suspended, ...(limits && { limits }) });
        ofCompanies.show(all.body.companies ?? []);
      }
      return ofFleets.refusal ?? all.refusal;
    },
  };
}

function changeOf(kind: Kind, id: string, what: 'save' | 'remove', request: () => Promise<Answer<Receipt>>): Change {
  const about = { what: t(`fleets.${kind}`), id };
  return { question: { title: t(`fleets.${what}.title`, about), text: t(`fleets.${what}.text`), button: t(`fleets.${what}`), remark: false }, request, done: t(`fleets.${what}.done`, about) };
}

/** There is no receipt: the answer says that it is written. */
function stored(answer: Answer<unknown>): Answer<Receipt> {
  return answer.refusal ? answer : { body: { stored: true } };
}

interface Form {
  element: HTMLElement;
  fill: (id: string, values: Record<string, string>) => void;
}

/** A form of one line for each field. */
function form(kind: Kind, fields: readonly ('company' | 'name' | 'devices' | 'members')[], submit: (id: string, values: Partial<Record<string, string>>) => Promise<boolean>): Form {
  const input = (name: string) => h('input', { id: `${kind}-${name}`, type: 'text', autocomplete: 'off', spellcheck: 'false', required: name === 'id' || name === 'name' || name === 'company' });
  const inputs = new Map(['id', ...fields].map((name) => [name, input(name)]));
  const label = (name: string): Key => (name === 'id' ? 'column.id' : `column.${name as 'company' | 'name' | 'devices' | 'members'}`);
  const element = h('form', { class: 'fleet-form', id: `${kind}-form` },
    h('h2', {}, t(`fleets.${kind}`)),
    ...[...inputs].map(([name, field]) => h('p', { class: 'labelled' }, h('label', { for: field.id }, t(label(name))), field)),
    h('button', { type: 'submit', class: 'action primary' }, t('fleets.save')));
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    const values = Object.fromEntries([...inputs].map(([name, field]) => [name, field.value.trim()]));
    void submit(values.id ?? '', values);
  });
  return {
    element,
    fill(id, values) {
      for (const [name, field] of inputs) field.value = name === 'id' ? id : values[name] ?? '';
      inputs.get('id')?.focus();
    },
  };
}
