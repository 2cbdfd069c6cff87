import { formatAddress, type Position } from 'updraft-client';
import { coloursOf, isOver, withColour, withoutMember, type Group } from '../group';
import { LastHeardPositions, type LastHeard } from '../live/last-heard';
import type { Scene } from '../map/scene';
import { t } from '../settings/language';
import { toggle } from './choices';
import { h, setText } from './dom';
import { lostStateOf, stateOf } from './group-state';
import { shareLink } from './share';

export interface GroupActions {
  change: (group: Group | undefined) => void;
  /** A group of the devices that are followed now. */
  fromFollowed: () => void;
  /** `lastHeard`: where it was, if the air picture does not have it. */
  select: (device: number, lastHeard?: Position) => void;
  setOnly: (only: boolean) => void;
  compare: () => void;
  /** Brings all members into view. */
  fit: () => void;
}

/** Who is in the group, what they do, and what can be done with it. */
export class GroupPanel {
  readonly element = h('div', { class: 'group' });
  readonly #actions: GroupActions;
  readonly #states = new Map<number, { name: HTMLElement; state: HTMLElement }>();
  readonly #note = h('p', { class: 'small' });
  readonly #last = new LastHeardPositions();
  #drawn = '';
  #group: Group | undefined;
  #maxFollowed = 1;
  #scene: Scene | undefined;

  constructor(actions: GroupActions) {
    this.#actions = actions;
  }

  show(scene: Scene, group: Group | undefined, maxFollowed: number): void {
    this.#group = group;
    this.#maxFollowed = maxFollowed;
    this.#scene = scene;
    const drawn = JSON.stringify([group?.members, scene.formats.zoneName, scene.filter.group, group ? isOver(group, scene.now) : scene.followed.size]);
    if (drawn !== this.#drawn) {
      this.#drawn = drawn;
      this.#draw(scene);
    }
    if (scene.isLive && group) this.#last.update(group.members.map(({ device }) => device), scene.picture, scene.now, this.#isOpen);
    const followed = new Set([...scene.followed, ...scene.group.keys()].slice(0, maxFollowed));
    for (const [device, { name, state }] of this.#states) {
      const last = this.#lostAt(device, scene);
      setText(name, nameIn(scene, device) ?? last?.name ?? formatAddress(device));
      setText(state, last ? lostStateOf(last, scene, followed.has(device)) : stateOf(device, scene));
    }
    setText(this.#note, this.#noteText(scene));
  }

  /** Where the members are, or were when they were received last. */
  positions(scene: Scene): Position[] {
    const { aircraft, ground } = scene.picture;
    return [...scene.group.keys()].flatMap((device) => aircraft.get(device) ?? ground.get(device) ?? this.#lostAt(device, scene) ?? []);
  }

  get #isOpen(): boolean {
    return this.element.isConnected && this.element.closest('[hidden]') === null;
  }

  /** Undefined: it is received, or nothing is known of it. */
  #lostAt(device: number, { picture, isLive }: Scene): LastHeard | undefined {
    return !isLive || picture.aircraft.get(device) || picture.ground.get(device) ? undefined : this.#last.of(device);
  }

  #select(device: number): void {
    this.#actions.select(device, this.#scene && this.#lostAt(device, this.#scene));
  }

  #noteText({ now, formats }: Scene): string {
    const group = this.#group;
    if (!group) return t('group.none');
    if (isOver(group, now)) return t('group.over', { time: formats.dateTime(group.endsAt!) });
    return group.members.length > this.#maxFollowed ? t('group.limit', { count: this.#maxFollowed, all: group.members.length }) : '';
  }

  #draw(scene: Scene): void {
    const group = this.#group;
    this.#states.clear();
    if (!group) {
      const count = scene.followed.size;
      this.element.replaceChildren(this.#note, h('button', { type: 'button', class: 'action primary', disabled: count === 0, onclick: this.#actions.fromFollowed }, t('group.make', { count })));
      return;
    }
    const share: HTMLButtonElement = h('button', { type: 'button', class: 'action', onclick: () => void shareLink(linkTo(location.href), this.#group?.title || 'Updraft', share, t('group.share')) }, t('group.share'));
    const active = coloursOf(group, scene.now).size > 0;
    this.element.replaceChildren(h('div', { class: 'group' },
      field(t('group.title'), h('input', { type: 'text', maxlength: 60, value: group.title, onchange: (event) => this.#set({ title: (event.target as HTMLInputElement).value.trim() }) })),
      field(`${t('group.end')}, ${scene.formats.zoneName}`, h('input', { type: 'datetime-local', value: group.endsAt === undefined ? '' : scene.formats.clockText(group.endsAt).slice(0, 16), onchange: (event) => this.#setEnd(event.target as HTMLInputElement) })),
      h('ul', { class: 'members' }, ...group.members.map(({ device, colour }) => this.#member(device, colour, scene))),
      this.#note,
      active && toggle('only-group', t('group.only'), scene.filter.group, (on) => this.#actions.setOnly(on)),
      h('div', { class: 'actions' },
        active && h('button', { type: 'button', class: 'action', onclick: this.#actions.fit }, t('group.fit')),
        h('button', { type: 'button', class: 'action', onclick: this.#actions.compare }, t('group.compare')), share,
        h('button', { type: 'button', class: 'action', onclick: () => this.#actions.change(undefined) }, t('group.leave')))));
  }

  #member(device: number, colour: string, scene: Scene): HTMLElement {
    const name = h('span', { class: 'name' });
    const state = h('span', { class: 'detail' });
    this.#states.set(device, { name, state });
    const who = nameIn(scene, device) ?? this.#last.of(device)?.name ?? formatAddress(device);
    return h('li', {},
      h('input', { type: 'color', value: colour, 'aria-label': t('group.colour', { who }), onchange: (event) => this.#edit((group) => withColour(group, device, (event.target as HTMLInputElement).value)) }),
      h('button', { type: 'button', class: 'who', onclick: () => this.#select(device) }, name, state),
      h('button', { type: 'button', class: 'close', 'aria-label': t('group.remove', { who }), onclick: () => this.#edit((group) => withoutMember(group, device)) }, '×'));
  }

  #set(change: Partial<Group>): void {
    this.#edit((group) => ({ ...group, ...change }));
  }

  #setEnd({ value }: HTMLInputElement): void {
    const endsAt = this.#scene?.formats.clockTime(value);
    this.#edit(({ title, members }) => ({ title, members, ...(endsAt !== undefined && { endsAt }) }));
  }

  #edit(change: (group: Group) => Group | undefined): void {
    if (this.#group) this.#actions.change(change(this.#group));
  }
}

function nameIn({ picture }: Scene, device: number): string | undefined {
  return picture.aircraft.get(device)?.name ?? picture.ground.get(device)?.name;
}

/** The page's address with the group and the view of the map, and without what its user selected, follows or filters. */
export function linkTo(href: string): string {
  const url = new URL(href);
  url.hash = url.hash.slice(1).split('&').filter((one) => /^(map|group(-\w+)?)=/.test(one)).join('&');
  return url.href;
}

function field(label: string, input: HTMLElement): HTMLElement {
  return h('label', { class: 'field' }, h('span', {}, label), input);
}
