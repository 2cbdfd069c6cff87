import { formatAddress, type Position } from 'updraft-client';
import type { Scene } from '../map/scene';
import type { PastFlight } from '../motion/flights';
import { aroundTime, FILE_HOURS, fileName, PAST_FILES, segmentsUntil, trackUrl, withTrail, type Period } from '../motion/past';
import { isSameSelection, type Selection } from '../selection';
import { t } from '../settings/language';
import { Actions } from './actions';
import type { CardParts, PartSubject } from './card-parts';
import { contentOf, endedContent, find, unknownContent, type Content, type Found } from './content';
import { fetchDevice, type DeviceView } from './device-view';
import { h, setText } from './dom';
import type { Fact } from './facts';

/** The details are loaded again after this time, ms. */
const REFRESH_MS = 20_000;

export interface CardActions {
  close: () => void;
  follow: (device: number) => void;
  favourite: (device: number) => void;
  group: (device: number) => void;
  goTo: (position: Position) => void;
  select: (device: number) => void;
  /** Shows a flight in place of the last hours; undefined: these again. */
  showFlight: (flight: PastFlight | undefined) => void;
  /** Opens the table of the recorded track of a device; `station`: of its measurements. */
  showData: (device: number, station: boolean) => void;
}

/** The details of the selected object: first the actions, then the facts. */
export class Card {
  readonly #element: HTMLElement;
  readonly #title = h('h2');
  readonly #subtitle = h('p', { class: 'subtitle' });
  readonly #facts = h('dl');
  readonly #above = h('div');
  readonly #below = h('div');
  readonly #actions: Actions;
  readonly #select: (device: number) => void;
  readonly #showFlight: CardActions['showFlight'];
  readonly #files = PAST_FILES.map((format) => ({ format, link: h('a', { class: 'file' }, format.toUpperCase()) }));
  readonly #trackText = h('span');
  readonly #data = h('button', { type: 'button', class: 'action' }, t('action.data'));
  readonly #track = h('nav', { class: 'files', 'aria-label': t('action.track.label') }, this.#trackText, ...this.#files.map(({ link }) => link));
  #selection: Selection | undefined;
  #view: DeviceView | undefined;
  #requestedAt = 0;
  /** The selected object as it was in the air picture last. */
  #last: Found | undefined;
  #isLive = true;
  #parts: CardParts | undefined;
  #isLoading = false;

  constructor(element: HTMLElement, actions: CardActions) {
    this.#element = element;
    this.#actions = new Actions(actions);
    this.#select = actions.select;
    this.#showFlight = actions.showFlight;
    this.#data.addEventListener('click', () => {
      const selection = this.#selection;
      if (selection && 'device' in selection) actions.showData(selection.device, selection.kind === 'station');
    });
    const close = h('button', { type: 'button', class: 'close', 'aria-label': t('close'), onclick: actions.close }, '×');
    element.append(
      h('div', { class: 'top' }, h('header', {}, h('div', {}, this.#title, this.#subtitle), close), this.#actions.element),
      h('div', { class: 'facts' }, this.#above, this.#facts, this.#below, this.#track, this.#data));
  }

  show(scene: Scene): void {
    const { selection, now, isLive } = scene;
    if (!isSameSelection(selection, this.#selection) || isLive !== this.#isLive) {
      this.#selection = selection;
      this.#isLive = isLive;
      this.#view = undefined;
      this.#last = undefined;
      this.#requestedAt = 0;
      this.#element.scrollTop = 0;
      if (selection && 'device' in selection) void this.#loadParts();
    }
    this.#element.hidden = selection === undefined;
    if (!selection) return;
    // What the server knows of a device is of the present.
    if (isLive && 'device' in selection && now - this.#requestedAt > REFRESH_MS) this.#ask(selection, now);
    const found = find(selection, scene);
    this.#last = found ?? this.#last;
    const content = found ? contentOf(found, scene, this.#view) : this.#last ? endedContent(this.#last, scene, this.#view) : unknownContent(selection, scene);
    this.#render(content, scene);
  }

  #ask(selection: Selection & { device: number }, now: number): void {
    this.#requestedAt = now;
    void fetchDevice(formatAddress(selection.device)).then((view) => {
      if (isSameSelection(selection, this.#selection) && this.#isLive && view) this.#view = view;
    });
  }

  #render({ title, subtitle, facts, device, position }: Content, scene: Scene): void {
    setText(this.#title, title);
    setText(this.#subtitle, subtitle);
    this.#actions.show(title, device, position, scene);
    const { flight } = scene.past;
    const recorded = scene.isLive ? scene.past.segments : segmentsUntil(scene.past.segments, scene.now);
    const track = flight ? scene.past.segments.flat() : withTrail(recorded.at(-1) ?? [], device === undefined ? [] : scene.air.trails.of(device));
    const selected = this.#selection && 'device' in this.#selection ? this.#selection.device : undefined;
    const isStation = this.#selection?.kind === 'station';
    this.#showParts(scene, { device: selected, isStation, track: device === undefined ? [] : track, way: this.#view?.way });
    this.#data.hidden = selected === undefined;
    this.#renderFacts(facts);
    this.#track.hidden = device === undefined;
    const period: Period = flight ?? (scene.isLive ? { hours: FILE_HOURS } : aroundTime(scene.now));
    setText(this.#trackText, flight ? t('action.track.flight') : t('action.track'));
    for (const { format, link } of this.#files) {
      const url = device === undefined ? '' : trackUrl(device, format, period);
      if (link.getAttribute('href') === url) continue;
      link.setAttribute('href', url);
      link.download = device === undefined ? '' : fileName(device, format, period, scene.now);
    }
  }

  /** With the first device. Until then, and where they cannot be loaded, the details have the facts alone. */
  async #loadParts(): Promise<void> {
    if (this.#parts || this.#isLoading) return;
    this.#isLoading = true;
    try {
      const { CardParts } = await import('./card-parts');
      this.#parts = new CardParts(this.#showFlight);
    } catch {
      // The next selection tries again.
    } finally {
      this.#isLoading = false;
    }
  }

  /** They come into the page once they have something to show. */
  #showParts(scene: Scene, subject: PartSubject): void {
    if (!this.#parts) return;
    this.#parts.show(scene, subject);
    if (this.#above.hasChildNodes()) return;
    this.#above.append(...this.#parts.above);
    this.#below.append(...this.#parts.below);
  }

  /** Keeps the elements while the labels stay the same. */
  #renderFacts(facts: readonly Fact[]): void {
    const labels = facts.map(({ label }) => label).join();
    if (this.#facts.dataset.labels !== labels) {
      this.#facts.dataset.labels = labels;
      this.#facts.replaceChildren(...facts.map(({ label, wide }) => h('div', { class: `fact ${wide ? 'wide' : ''}`, 'data-fact': label }, h('dt', {}, t(label)), h('dd'))));
    }
    for (const [index, { text, links }] of facts.entries()) {
      const value = this.#facts.children[index]?.lastElementChild as HTMLElement | null | undefined;
      if (!value) continue;
      if (links) this.#renderLinks(value, links);
      else setText(value, text);
    }
  }
  /** Keeps the buttons, and the keyboard's focus, while the devices stay the same. */
  #renderLinks(value: HTMLElement, links: NonNullable<Fact['links']>): void {
    const devices = links.map(({ device }) => device).join();
    if (value.dataset.devices !== devices) {
      value.dataset.devices = devices;
      value.replaceChildren(...links.map(({ device }) => h('button', { type: 'button', class: 'link', onclick: () => this.#select(device) })));
    }
    for (const [i, { text }] of links.entries()) setText(value.children[i]!, text);
  }
}
