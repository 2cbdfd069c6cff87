import { AlertKind, AlertStatus, formatAddress, type Alert } from 'updraft-client';
import type { Formats } from '../settings/formats';
import { t, type TextKey } from '../settings/language';

const KINDS: Record<number, TextKey> = {
  [AlertKind.ALERT_KIND_NEED_RIDE]: 'alert.ride',
  [AlertKind.ALERT_KIND_NEED_TECHNICAL_SUPPORT]: 'alert.technical',
  [AlertKind.ALERT_KIND_NEED_MEDICAL_HELP]: 'alert.medical',
  [AlertKind.ALERT_KIND_DISTRESS]: 'alert.distress',
  [AlertKind.ALERT_KIND_AUTOMATIC_DISTRESS]: 'alert.automatic',
};

export function alertLabel(kind: number): string {
  return t(KINDS[kind] ?? 'alert.other');
}

/** The name, else the device. */
export function callerOf({ name, device }: { name?: string; device: number }): string {
  return name ?? t('alert.device', { address: formatAddress(device) });
}

/** What the server knows about a call beyond its kind. */
export function remarksOf({ unverified, status }: Alert): string[] {
  return [unverified ? t('alert.unverified') : '', status === AlertStatus.ALERT_STATUS_ACKNOWLEDGED ? t('alert.acknowledged') : ''].filter(Boolean);
}

/** `Needs a ride · seen by an operator · since 14:03`: a narrow row cuts the time, whose age it has elsewhere. */
export function callText(alert: Alert, formats: Formats): string {
  return [alertLabel(alert.kind), ...remarksOf(alert), t('alert.since', { time: formats.time(alert.openedAt) })].join(' · ');
}
