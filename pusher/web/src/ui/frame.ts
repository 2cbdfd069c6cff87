import { t } from '../settings/language';
import { byId, h, setText } from './dom';

export interface FrameParts {
  /** The number in the title of the list. */
  count: HTMLElement;
  status: HTMLElement;
  list: HTMLElement;
  banners: readonly HTMLElement[];
  tools: readonly HTMLElement[];
  announcer: HTMLElement;
  /** In a frame of another page. */
  isEmbedded: boolean;
}

/** Puts the parts into the page, labels its regions, and leaves out what a frame in another page does not need. */
export function furnish({ count, status, list, banners, tools, announcer, isEmbedded }: FrameParts): void {
  const title = h('h1', {}, h('img', { src: './favicon.svg', alt: '', width: 26, height: 26 }), 'Updraft', count);
  // On a small screen the header is the handle of the sheet for pointers, who have its button among the tools as well; elsewhere the class changes nothing.
  byId('panel').append(h('header', { onclick: toggleList }, title, status), list);
  for (const [id, label] of [['panel', 'list.title'], ['map', 'map'], ['tools', 'tools'], ['banners', 'notices'], ['card', 'details'], ['travel', 'tool.travel']] as const) {
    byId(id).setAttribute('aria-label', t(label));
  }
  const skip = document.querySelector('.skip')!;
  setText(skip, t('skip'));
  // The fragment of the address is the state of the page: it must not become `#list`.
  skip.addEventListener('click', (event) => {
    event.preventDefault();
    openList();
    byId('list').focus();
  });
  byId('banners').append(...banners);
  byId('tools').append(...tools);
  closeList();
  document.body.append(announcer);
  if (isEmbedded) embed(status);
}

export function openList(): void {
  setOpen(true);
}

export function closeList(): void {
  setOpen(false);
}

export function toggleList(): void {
  setOpen(!byId('panel').classList.contains('open'));
}

function setOpen(open: boolean): void {
  byId('panel').classList.toggle('open', open);
  document.querySelector('#tools [aria-controls=panel]')?.setAttribute('aria-expanded', String(open));
}

/** Embedded in another page: the map with calls and details, the state of the connection, and a link to the full page. */
function embed(status: HTMLElement): void {
  document.body.classList.add('embed');
  status.classList.add('banner');
  const open = h('a', { class: 'banner open', target: '_blank', rel: 'noopener', href: location.pathname }, t('embed.open'));
  // The shown region changes until the user clicks.
  open.addEventListener('click', () => { open.setAttribute('href', location.pathname + location.hash); });
  // First: calls must not move it out of a small frame.
  byId('banners').prepend(h('div', { class: 'embedded' }, status, open));
}
