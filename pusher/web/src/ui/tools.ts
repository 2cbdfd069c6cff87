import type { LayerKey } from '../map/layers/layer';
import { h } from './dom';
import { legend } from './legend';

const LAYERS: readonly [LayerKey, string][] = [
  ['aircraft', 'Aircraft'], ['trails', 'Tracks'], ['ground', 'On the ground'], ['thermals', 'Thermals'], ['stations', 'Weather stations'], ['receivers', 'Receivers'],
];

export interface ToolActions {
  setVisible: (key: LayerKey, visible: boolean) => void;
  toggleTheme: () => void;
  toggleList: () => void;
}

/** The buttons at the corner: layers, legend, theme; on small screens also the list. */
export function tools(hidden: ReadonlySet<LayerKey>, actions: ToolActions): HTMLElement[] {
  const layers = h('div', { class: 'popover panel', id: 'layers', hidden: true }, ...LAYERS.map(([key, label]) => {
    const box = h('input', { type: 'checkbox', checked: !hidden.has(key), name: key });
    box.addEventListener('change', () => actions.setVisible(key, box.checked));
    return h('label', {}, box, h('i'), label);
  }));
  const key = h('div', { class: 'popover panel', id: 'legend', hidden: true });
  const popovers = [layers, key];
  const opener = (label: string, icon: string, popover: HTMLElement, fill?: () => void) => {
    const button = tool(label, icon, () => {
      fill?.();
      for (const other of popovers) other.hidden = other !== popover || !other.hidden;
    });
    button.setAttribute('aria-controls', popover.id);
    return button;
  };
  addEventListener('keydown', ({ key: pressed }) => {
    if (pressed === 'Escape') for (const popover of popovers) popover.hidden = true;
  });
  return [
    h('div', { class: 'buttons panel' },
      tool('List of aircraft', 'list', actions.toggleList, 'only-small'),
      opener('Layers', 'layers', layers),
      opener('Legend', 'key', key, () => { if (!key.firstChild) key.append(legend()); }),
      tool('Light or dark', 'theme', actions.toggleTheme)),
    ...popovers,
  ];
}

const ICONS: Record<string, string> = {
  list: 'M4 6h16M4 12h16M4 18h16',
  layers: 'M12 3 3 8l9 5 9-5-9-5ZM3 12.500l9 5 9-5M3 17l9 5 9-5',
  key: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 11v5M12 7.600v.4',
  theme: 'M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500Z',
};

function tool(label: string, icon: string, act: () => void, extra = ''): HTMLButtonElement {
  const button = h('button', { type: 'button', class: `tool ${extra}`, title: label, 'aria-label': label, onclick: act });
  button.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${ICONS[icon]}"/></svg>`;
  return button;
}
