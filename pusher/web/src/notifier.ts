import { formatAddress } from 'updraft-client';
import type { FollowedEvent } from './followed-events';
import { t } from './settings/language';
import { alertLabel } from './ui/calls';

const ICON = './icon-192.png';

/** Shows what happens to followed pilots as notifications of the browser. */
export class Notifier {
  readonly #select: (device: number) => void;

  /** `select`: called with the device whose notification was clicked. */
  constructor(select: (device: number) => void) {
    this.#select = select;
    navigator.serviceWorker?.addEventListener('message', ({ data }: MessageEvent<{ select?: unknown }>) => {
      if (typeof data.select === 'number') this.#select(data.select);
    });
  }

  /** Whether the browser lets this page notify. */
  static get isAllowed(): boolean {
    return 'Notification' in globalThis && Notification.permission === 'granted';
  }

  /** Requests permission of the user. Only on a click: browsers refuse requests without one. */
  static async ask(): Promise<boolean> {
    if (!('Notification' in globalThis)) return false;
    return await Notification.requestPermission() === 'granted';
  }

  async show(event: FollowedEvent): Promise<void> {
    const { device } = event;
    // One per device and kind, or zone: a newer one replaces it.
    const about = 'zoneId' in event ? event.zoneId : event.event;
    const options: NotificationOptions = { tag: `${formatAddress(device)}-${about}`, icon: ICON, data: { device } };
    // Android shows notifications of a service worker only; other browsers do too, and keep them when the page is closed.
    const worker = await navigator.serviceWorker?.getRegistration();
    if (worker?.active) {
      await worker.showNotification(textOf(event), options);
      return;
    }
    const notification = new Notification(textOf(event), options);
    notification.addEventListener('click', () => {
      window.focus();
      this.#select(device);
    });
  }
}

export function textOf(event: FollowedEvent): string {
  const who = event.name ?? formatAddress(event.device);
  if (event.event === 'call') return t('announce.alert', { kind: alertLabel(event.kind), who });
  if ('zone' in event) return t(`notify.${event.event}`, { who, zone: event.zone });
  return t(`notify.${event.event}`, { who });
}
