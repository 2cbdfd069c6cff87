import { h } from '../ui/dom';
import type { TabContext, TabContent } from './tab-content';
import { Table } from './table';
import { t } from './texts';
import { msOf } from './time';

export interface ApiKey {
  key_id: string;
  name?: string;
  roles?: string[];
  /** With those of the roles. */
  scopes?: string[];
  devices?: string[];
  public?: boolean;
  expires_at_us?: string;
}

export interface ApiKeyList {
  keys?: ApiKey[];
  loaded?: boolean;
}

/** The roles of a key, or its scopes where it has none. */
export function allowedText({ roles = [], scopes = [] }: ApiKey): string {
  return (roles.length > 0 ? roles : scopes).join(', ');
}

export function keysTab({ api, formats }: TabContext): TabContent {
  const none = h('p', { class: 'small', hidden: true }, t('keys.notLoaded'));
  const table = new Table<ApiKey>({
    id: 'keys', caption: 'tab.keys', empty: 'keys.none', sort: { column: 1, ascending: true }, key: ({ key_id }) => key_id, name: ({ key_id, name }) => name ?? key_id,
    isAlarm: ({ expires_at_us }) => (msOf(expires_at_us) ?? Infinity) <= Date.now(),
    columns: [
      { label: 'column.id', value: ({ key_id }) => key_id },
      { label: 'column.name', value: ({ name }) => name },
      { label: 'column.scopes', value: allowedText },
      { label: 'column.devices', value: ({ devices = [] }) => devices.join(', ') },
      { label: 'column.public', value: ({ public: isPublic }) => t(isPublic ? 'yes' : 'no') },
      { label: 'column.expires', value: ({ expires_at_us }) => msOf(expires_at_us), text: ({ expires_at_us }) => { const at = msOf(expires_at_us); return at === undefined ? t('keys.never') : formats.sortableTime(at); } },
    ],
  });
  return {
    element: h('div', {}, h('p', { class: 'small' }, t('keys.note')), none, table.element),
    everyMs: 60_000,
    async load() {
      const { body, refusal } = await api.get<ApiKeyList>('keys');
      if (body) {
        table.show(body.keys ?? []);
        none.hidden = body.loaded === true;
      }
      return refusal;
    },
  };
}
