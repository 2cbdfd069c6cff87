import { t, type TextKey } from '../settings/language';
import { h } from './dom';

const PATHS = {
  list: 'M4 6h16M4 12h16M4 18h16',
  layers: 'M12 3 3 8l9 5 9-5-9-5ZM3 12.500l9 5 9-5M3 17l9 5 9-5',
  key: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 11v5M12 7.600v.4',
  settings: 'M4 7h9M17 7h3M15 4.500v5M4 17h3M11 17h9M9 14.500v5',
  locate: 'M12 2v4M12 18v4M2 12h4M18 12h4M12 18a6 6 0 1 0 0-12 6 6 0 0 0 0 12Z',
  filter: 'M4 5h16l-6.500 7.500V19l-3-1.500v-5Z',
  group: 'M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7ZM2.500 20c0-4 3-6.500 6.500-6.500s6.500 2.500 6.500 6.500M16 4.500a3.500 3.500 0 0 1 0 6.500M18 14c2.200.8 3.500 3 3.500 6',
  table: 'M4 5h16v14H4ZM4 10h16M4 14.500h16M10 5v14',
  terrain: 'M2.500 19 9 7l4 7 2.500-4 6 9ZM7 10.500l2 1.500 1.800-1.500',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7v5.500l3.500 2',
  account: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.500 20.500c.500-4 3.500-6 7.500-6s7 2 7.500 6',
  zones: 'M4 8l7-4 9 5-3 10-11 1ZM4 8h.010M11 4h.010M20 9h.010M17 19h.010M6 20h.010',
  help: 'M3 7h18v10H3ZM6 10h.5M10 10h.5M14 10h.5M18 10h.5M7 14h10',
} as const;

export type IconName = keyof typeof PATHS;
const NS = 'http://www.w3.org/2000/svg';

/** A button with an icon and a text label for screen readers. */
export function icon(label: TextKey, name: IconName, act: () => void, extra = ''): HTMLButtonElement {
  const svg = document.createElementNS(NS, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(NS, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  const button = h('button', { type: 'button', class: `tool ${extra}`, title: t(label), 'aria-label': t(label), onclick: act });
  button.append(svg);
  return button;
}
