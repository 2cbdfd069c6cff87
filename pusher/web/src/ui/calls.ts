import { AlertKind, formatAddress } from 'updraft-client';
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
