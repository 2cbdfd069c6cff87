import { alertLabel } from '../ui/calls';
import { AlertKind } from 'updraft-client';
import { h } from '../ui/dom';
import { mapHash } from './address';
import { may } from './caller';
import { APPLIED_MS, type TabContent, type TabContext } from './tab-content';
import { refusalText } from './refusal';
import { Table } from './table';
import { t, textOfCode } from './texts';
import { timeAndAge, msOf } from './time';

export interface Alert {
  id: string;
  device: string;
  name?: string;
  kind: string;
  status: string;
  openedAt?: number;
  refreshedAt?: number;
  by: string;
  unverified: boolean;
  position?: { latitude_deg: number; longitude_deg: number };
}

export interface AlertList {
  alerts?: {
    alert_id: string; device: string; name?: string; alert_kind: string | number; status: string; opened_at_us?: string; refreshed_at_us?: string;
    acknowledged_by?: string; resolved_by?: string; resolution?: string; unverified?: boolean; position?: { latitude_deg: number; longitude_deg: number };
  }[];
}

/** Where a call stands: open ones first. */
const ORDER = ['open', 'acknowledged', 'resolved'];

export function alertsOf({ alerts = [] }: AlertList): Alert[] {
  return alerts.map((alert) => ({
    id: alert.alert_id, device: alert.device, kind: String(alert.alert_kind), status: alert.status, unverified: alert.unverified === true,
    by: alert.resolved_by ?? alert.acknowledged_by ?? '',
    openedAt: msOf(alert.opened_at_us), refreshedAt: msOf(alert.refreshed_at_us), name: alert.name, position: alert.position,
  }));
}

function kindText(kind: string): string {
  return alertLabel((AlertKind as unknown as Record<string, number>)[`ALERT_KIND_${kind.toUpperCase()}`] ?? 0);
}

export function alertsTab(context: TabContext): TabContent {
  const { api, caller } = context;
  const table = alertTable(context, 'alerts', () => {});
  const hidden = alertTable(context, 'hidden-alerts', () => setTimeout(() => void loadHidden(), APPLIED_MS));
  const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  hidden.element.hidden = true;
  const loadHidden = async () => {
    const { body, refusal } = await api.get<AlertList>('hidden-alerts');
    problem.hidden = !refusal;
    problem.textContent = refusal ? refusalText(refusal) : '';
    if (!body) return;
    hidden.show(alertsOf(body));
    hidden.element.hidden = false;
  };
  // Each look is in the audit trail: it is not loaded again by itself.
  const ask = h('button', { type: 'button', class: 'action', id: 'show-hidden', onclick: () => void loadHidden() }, t('alerts.showHidden'));
  return {
    element: h('div', {}, h('p', { class: 'small' }, t('alerts.note')), table.element, caller.scopes.has('alert:handle') && h('p', {}, ask), problem, hidden.element),
    everyMs: 5_000,
    async load() {
      const { body, refusal } = await api.get<AlertList>('alerts');
      if (body) table.show(alertsOf(body));
      return refusal;
    },
  };
}

/** `changed`: an alert of it was acknowledged or resolved. */
function alertTable(context: TabContext, id: 'alerts' | 'hidden-alerts', changed: () => void): Table<Alert> {
  const { api, formats, caller } = context;
  const isHandled = ({ device }: Alert) => may(caller, device, 'alert:handle', 'alert:handle_any');
  const step = (name: 'acknowledge' | 'resolve', remark: boolean) => async (alert: Alert) => {
    const isDone = await context.change({
      question: { title: t(`alerts.${name}.title`, { device: whoOf(alert) }), text: t(`alerts.${name}.text`), button: t(`alerts.${name}`), remark },
      request: (text) => api.post(`alerts/${encodeURIComponent(alert.id)}/${name}`, remark ? text : undefined),
      done: t(`alerts.${name}.done`, { device: whoOf(alert) }),
    });
    if (isDone) changed();
  };
  const [acknowledge, resolve] = [step('acknowledge', false), step('resolve', true)];
  return new Table<Alert>({
    id, caption: id === 'alerts' ? 'tab.alerts' : 'alerts.hidden', empty: 'alerts.none', sort: { column: 0, ascending: true }, key: (alert) => alert.id, name: whoOf, isAlarm: ({ status }) => status === 'open',
    columns: [
      { label: 'column.status', value: ({ status, openedAt }) => ORDER.indexOf(status) * 1e15 - (openedAt ?? 0), text: ({ status, unverified }) => [textOfCode('status', status), unverified && t('alerts.unverified')].filter(Boolean).join(', ') },
      { label: 'column.kind', value: ({ kind }) => kindText(kind) },
      { label: 'column.device', value: ({ device }) => device, href: ({ device, position }) => mapHash(device, position) },
      { label: 'column.name', value: ({ name }) => name },
      { label: 'column.opened', value: ({ openedAt }) => openedAt, text: ({ openedAt }) => timeAndAge(openedAt, formats, Date.now()) },
      { label: 'column.heard', value: ({ refreshedAt }) => refreshedAt, text: ({ refreshedAt }) => timeAndAge(refreshedAt, formats, Date.now()) },
      { label: 'column.by', value: ({ by }) => by },
      { label: 'column.id', value: (alert) => alert.id },
    ],
    actions: [
      { label: 'alerts.acknowledge', isFor: (alert) => alert.status === 'open' && isHandled(alert), run: (alert) => void acknowledge(alert) },
      { label: 'alerts.resolve', isFor: (alert) => alert.status !== 'resolved' && isHandled(alert), run: (alert) => void resolve(alert) },
    ],
  });
}

function whoOf({ name, device }: Alert): string {
  return name === undefined ? device : `${name} (${device})`;
}
