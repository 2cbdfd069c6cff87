import type { TrafficCounter, Session } from 'updraft-client';
import { formatBytes } from '../settings/formats';
import { t } from '../settings/language';
import { h, setText } from './dom';

/** How much data the page has received, and how often it receives more. */
export class DataUseLine {
  readonly element = h('p', { class: 'data-use' });

  show(traffic: TrafficCounter, session: Session, now: number): void {
    setText(this.element, t('data.use', {
      total: formatBytes(traffic.totalBytes), minute: formatBytes(traffic.bytesPerMinute(now)), rate: t(`data.rate.${session.rate}`),
    }));
  }
}

/** Counts what the page itself loads: files, tiles and responses of the API, with their transferred size. */
export function countRequests(traffic: TrafficCounter): void {
  new PerformanceObserver((list) => {
    const bytes = list.getEntries().reduce((sum, entry) => sum + (entry as PerformanceResourceTiming).transferSize, 0);
    if (bytes > 0) traffic.add(bytes, Date.now());
  }).observe({ type: 'resource', buffered: true });
}
