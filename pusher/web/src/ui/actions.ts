import type { Position } from 'updraft-client';
import type { Scene } from '../map/scene';
import { t } from '../settings/language';
import { h, setText } from './dom';
import { copy, shareLink } from './share';

/** The actions for the selected object: follow, show, navigate there, copy, share. */
export class Actions {
  readonly #follow = h('button', { type: 'button', class: 'action primary' });
  readonly #show = h('button', { type: 'button', class: 'action' }, t('action.show'));
  readonly #navigate = h('a', { class: 'action' }, t('action.navigate'));
  readonly #copy = h('button', { type: 'button', class: 'action' }, t('action.copy'));
  readonly #share = h('button', { type: 'button', class: 'action' }, t('action.share'));
  readonly #favourite = h('button', { type: 'button', class: 'action' }, t('action.favourite'));
  readonly #group = h('button', { type: 'button', class: 'action' });
  readonly element = h('div', { class: 'actions' }, this.#follow, this.#favourite, this.#group, this.#navigate, this.#show, this.#copy, this.#share);
  #device: number | undefined;
  #position: Position | undefined;
  #title = '';

  constructor(actions: { follow: (device: number) => void; favourite: (device: number) => void; group: (device: number) => void; goTo: (position: Position) => void }) {
    const withDevice = (act: (device: number) => void) => () => { if (this.#device !== undefined) act(this.#device); };
    this.#follow.addEventListener('click', withDevice(actions.follow));
    this.#favourite.addEventListener('click', withDevice(actions.favourite));
    this.#group.addEventListener('click', withDevice(actions.group));
    this.#show.addEventListener('click', () => { if (this.#position) actions.goTo(this.#position); });
    this.#copy.addEventListener('click', () => { if (this.#position) void copy(positionText(this.#position), this.#copy, t('action.copy')); });
    this.#share.addEventListener('click', () => void shareLink(location.href, this.#title, this.#share, t('action.share')));
  }

  /** `device`: undefined if the object cannot be followed; `position`: the last known one. */
  show(title: string, device: number | undefined, position: Position | undefined, { followed, favourites, group }: Scene): void {
    this.#title = title;
    this.#device = device;
    this.#position = position;
    for (const element of [this.#follow, this.#favourite, this.#group]) element.hidden = device === undefined;
    for (const element of [this.#show, this.#navigate, this.#copy]) element.hidden = position === undefined;
    const url = position ? navigationUrl(position) : '';
    if (this.#navigate.getAttribute('href') !== url) this.#navigate.setAttribute('href', url);
    const has = (devices: { has(device: number): boolean }) => device !== undefined && devices.has(device);
    press(this.#follow, has(followed));
    press(this.#favourite, has(favourites));
    setText(this.#follow, t(has(followed) ? 'action.following' : 'action.follow'));
    setText(this.#group, t(has(group) ? 'action.ungroup' : 'action.group'));
  }
}

function press(button: HTMLElement, pressed: boolean): void {
  if (button.getAttribute('aria-pressed') !== String(pressed)) button.setAttribute('aria-pressed', String(pressed));
}

/** The devices of Apple open no `geo:`; tablets of theirs say that they are a Macintosh, which has no touchscreen. */
function isApple(): boolean {
  return /iPhone|iPad|iPod/.test(navigator.userAgent) || (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);
}

/** Phones open their navigation with it: RFC 5870, or the map links of Apple. */
export function navigationUrl({ lat, lon }: Position): string {
  const place = `${lat.toFixed(6)},${lon.toFixed(6)}`;
  return isApple() ? `maps://?daddr=${place}` : `geo:${place}`;
}

export function positionText({ lat, lon }: Position): string {
  return `${lat.toFixed(5)}, ${lon.toFixed(5)}`;
}
