import type { Position } from 'updraft-client';
import { t, type TextKey } from '../settings/language';
import { h } from '../ui/dom';
import { addZone, isSetName, mediaTypeOf, MIN_CORNERS, removeSet, writeSet, type Description } from './set';

export interface ZonePanelActions {
  token: () => Promise<string | undefined>;
  /** Takes the clicks on the map while a zone is drawn; undefined: they select again. */
  capture: (take: ((at: Position) => void) | undefined) => void;
  /** Shows the corners on the map. */
  draw: (corners: readonly Position[]) => void;
  /** The zones on the server are others now. */
  changed: () => void;
  /** The sets of the zones that are shown. */
  sets: () => readonly string[];
}

const FIELDS = [['name', ''], ['class', 'W'], ['floor', 'GND'], ['ceiling', 'UNL']] as const;
const FIRST_SET = 'drawn';

/** Draws zones, and imports and removes sets of them. */
export class ZonePanel {
  readonly element = h('div', { class: 'group zones' });
  readonly #actions: ZonePanelActions;
  #set = FIRST_SET;
  /** Undefined: nothing is drawn. */
  #corners: Position[] | undefined;
  #description: Description = { name: '', class: '', floor: '', ceiling: '' };
  #message = '';
  #busy = false;

  constructor(actions: ZonePanelActions) {
    this.#actions = actions;
  }

  /** Makes the content again. */
  show(): void {
    const { element } = this;
    const focused = element.contains(document.activeElement) ? (document.activeElement as HTMLInputElement).name : '';
    element.replaceChildren(
      this.#field('zones.set', 'set', this.#set, FIRST_SET, (text) => { this.#set = text; }),
      ...(this.#corners ? this.#drawing(this.#corners) : this.#idle()),
      h('p', { class: 'small', role: 'status' }, this.#message));
    if (focused) element.querySelector<HTMLInputElement>(`[name=${focused}]`)?.focus();
  }

  #idle(): HTMLElement[] {
    const file: HTMLInputElement = h('input', { type: 'file', name: 'file', accept: '.txt,.openair,.geojson,.json', disabled: this.#busy, onchange: () => void this.#import(file.files?.[0]) });
    return [
      this.#button('zones.draw', () => this.#begin(), true),
      h('label', { class: 'field' }, h('span', {}, t('zones.file')), file),
      h('ul', { class: 'members' }, ...this.#actions.sets().map((set) => h('li', {}, h('span', { class: 'name' }, set),
        h('button', { type: 'button', class: 'close', 'aria-label': t('zones.remove', { set }), onclick: () => void this.#remove(set) }, '×')))),
    ];
  }

  #drawing(corners: readonly Position[]): HTMLElement[] {
    return [
      h('p', { class: 'small' }, t('zones.corners', { count: corners.length })),
      ...FIELDS.map(([name, placeholder]) => this.#field(`zones.${name}`, name, this.#description[name], placeholder, (text) => {
        this.#description = { ...this.#description, [name]: text };
      })),
      h('div', { class: 'actions' },
        this.#button('zones.save', () => void this.#save(), true),
        this.#button('zones.undo', () => this.#setCorners(corners.slice(0, -1))),
        this.#button('zones.cancel', () => this.#end(''))),
    ];
  }

  #field(label: TextKey, name: string, value: string, placeholder: string, change: (text: string) => void): HTMLElement {
    const input: HTMLInputElement = h('input', { type: 'text', name, value, placeholder, maxlength: 80, oninput: () => change(input.value) });
    return h('label', { class: 'field' }, h('span', {}, t(label)), input);
  }

  #button(label: TextKey, act: () => void, primary = false): HTMLElement {
    return h('button', { type: 'button', class: primary ? 'action primary' : 'action', disabled: this.#busy, onclick: act }, t(label));
  }

  #begin(): void {
    this.#message = '';
    this.#actions.capture((at) => this.#setCorners([...this.#corners ?? [], at]));
    this.#setCorners([]);
  }

  #setCorners(corners: Position[]): void {
    this.#corners = corners;
    this.#actions.draw(corners);
    this.show();
  }

  #end(message: string): void {
    this.#corners = undefined;
    this.#actions.capture(undefined);
    this.#actions.draw([]);
    this.#message = message;
    this.show();
  }

  async #save(): Promise<void> {
    const corners = this.#corners ?? [];
    if (corners.length < MIN_CORNERS || this.#description.name.trim() === '') {
      this.#say(t('zones.incomplete', { count: MIN_CORNERS }));
      return;
    }
    await this.#change(async (token) => {
      const count = await addZone(this.#set, this.#description, corners, token);
      this.#description = { ...this.#description, name: '' };
      this.#end(t('zones.saved', { set: this.#set, count }));
    });
  }

  async #import(file: File | undefined): Promise<void> {
    if (!file) return;
    await this.#change(async (token) => {
      const count = await writeSet(this.#set, file, mediaTypeOf(file.name), token);
      this.#say(t('zones.saved', { set: this.#set, count }));
    });
  }

  async #remove(set: string): Promise<void> {
    if (!confirm(t('zones.confirm', { set }))) return;
    await this.#change(async (token) => {
      await removeSet(set, token);
      this.#say(t('zones.removed', { set }));
    });
  }

  /** A change on the server: one at a time, with its outcome for the user. */
  async #change(change: (token: string | undefined) => Promise<void>): Promise<void> {
    if (!isSetName(this.#set)) {
      this.#say(t('zones.badSet'));
      return;
    }
    this.#busy = true;
    this.#say('…');
    try {
      await change(await this.#actions.token());
      this.#actions.changed();
    } catch (error) {
      this.#say(t('zones.refused', { reason: error instanceof Error ? error.message : String(error) }));
    } finally {
      this.#busy = false;
      this.show();
    }
  }

  #say(message: string): void {
    this.#message = message;
    this.show();
  }
}
