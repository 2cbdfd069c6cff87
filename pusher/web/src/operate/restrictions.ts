import { h } from '../ui/dom';
import { hashOf } from './address';
import type { TabContext, TabContent } from './tab-content';
import { changeOf, mayChange, type DeviceChange } from './device-changes';
import { Table, type RowAction } from './table';
import { t } from './texts';

export interface Restriction {
  device: string;
  denied?: boolean;
  hidden_by_command?: boolean;
  name_hidden?: boolean;
}

export interface RestrictionList {
  devices?: Restriction[];
  truncated?: boolean;
}

export function restrictionsTab(context: TabContext): TabContent {
  const { api, caller } = context;
  const action = (change: DeviceChange, isFor: (restriction: Restriction) => boolean): RowAction<Restriction> => ({
    label: `change.${change}`, isFor: (one) => isFor(one) && mayChange(caller, change, one.device), run: ({ device }) => void context.change(changeOf(context, change, device)),
  });
  const table = new Table<Restriction>({
    id: 'restrictions', caption: 'tab.restrictions', empty: 'restrictions.none', sort: { column: 0, ascending: true }, key: ({ device }) => device, name: ({ device }) => device,
    columns: [
      { label: 'column.device', value: ({ device }) => device },
      { label: 'column.denied', value: ({ denied }) => t(denied ? 'yes' : 'no') },
      { label: 'column.hidden', value: ({ hidden_by_command }) => t(hidden_by_command ? 'yes' : 'no') },
      { label: 'column.nameHidden', value: ({ name_hidden }) => t(name_hidden ? 'yes' : 'no') },
      { label: 'column.who', value: () => t('tab.audit'), href: ({ device }) => hashOf('audit', device) },
    ],
    actions: [
      action('allow', ({ denied }) => denied === true), action('deny', ({ denied }) => denied !== true),
      action('show', ({ hidden_by_command }) => hidden_by_command === true),
      action('show-name', ({ name_hidden }) => name_hidden === true),
    ],
  });
  return {
    element: h('div', {}, h('p', { class: 'small' }, t('restrictions.note')), table.element),
    // Each look is in the audit trail.
    everyMs: undefined,
    async load() {
      const { body, refusal } = await api.get<RestrictionList>('restrictions');
      if (body) table.show(body.devices ?? []);
      return refusal;
    },
  };
}
