import type { LayerKey } from '../map/layers/layer';
import { SPEEDS, type Speed } from '../travel/clock';
import type { Trouble } from '../travel/loader';
import { LIVE_EDGE_MS } from '../travel/present';
import type { Formats } from '../settings/formats';
import { t } from '../settings/language';
import { h, setText } from './dom';

/** What the slider spans, ms. */
const SPAN_MS = 12 * 3_600_000;
/** One step of the slider, s. */
const STEP_S = 10;
const SECOND_MS = 1000;
/** Layers without a past. */
const LIVE_ONLY = ['winds', 'receivers', 'landmarks'] as const satisfies readonly LayerKey[];

export interface TravelState {
  /** Ms since the Unix epoch. */
  at: number;
  playing: boolean;
  speed: Speed;
  loading: boolean;
  trouble: Trouble | undefined;
}

export interface TravelActions {
  /** Shows this time; the present where it is that. */
  seek: (at: number) => void;
  /** Plays on, or stands still. */
  toggle: () => void;
  setSpeed: (speed: Speed) => void;
  /** Back to the live map. */
  live: () => void;
}

/** The controls of the past: a slider over 12 hours, date and time, play and pause, the way back to the live map. */
export class TravelBar {
  readonly #actions: TravelActions;
  readonly #play = h('button', { type: 'button', class: 'play' });
  readonly #time = h('strong', { class: 'travel-time' });
  readonly #note = h('span', { class: 'travel-note' });
  readonly #liveOnly = h('span', { class: 'travel-note live-only' });
  readonly #slider = h('input', { type: 'range', min: 0, max: SPAN_MS / SECOND_MS, step: STEP_S, 'aria-label': t('travel.slider') });
  readonly #date = h('input', { type: 'datetime-local', step: 1, 'aria-label': t('travel.date') });
  readonly #speed = h('select', { 'aria-label': t('travel.speed') }, ...SPEEDS.map((speed) => h('option', { value: speed }, `×${speed}`)));
  readonly #live = h('button', { type: 'button', class: 'action live' }, t('travel.live'));
  /** The end of what the slider spans; undefined: now. */
  #end: number | undefined;
  #formats: Formats | undefined;
  #isLive = true;

  constructor(element: HTMLElement, actions: TravelActions) {
    this.#actions = actions;
    this.#play.addEventListener('click', actions.toggle);
    this.#live.addEventListener('click', actions.live);
    this.#slider.addEventListener('input', () => this.#actions.seek(this.#chosen));
    this.#date.addEventListener('change', () => this.#pickDate());
    this.#speed.addEventListener('change', () => this.#actions.setSpeed(Number(this.#speed.value) as Speed));
    element.append(
      h('div', { class: 'travel-row' }, this.#play, this.#time, this.#note, this.#live),
      this.#slider,
      h('div', { class: 'travel-row' }, this.#date, this.#speed, h('span', { class: 'travel-hint' }, t('travel.note')), this.#liveOnly));
  }

  /** `state`: undefined while the map is live; `hidden`: layers that the user has switched off. */
  show(state: TravelState | undefined, now: number, formats: Formats, hidden: ReadonlySet<LayerKey>): void {
    this.#formats = formats;
    this.#isLive = state === undefined;
    const at = state?.at ?? now;
    this.#moveWindow(at, now);
    const playing = state?.playing === true;
    setText(this.#play, playing ? '❚❚' : '▶');
    const label = t(playing ? 'travel.pause' : 'travel.play');
    if (this.#play.getAttribute('aria-label') !== label) this.#play.setAttribute('aria-label', label);
    setText(this.#time, state ? `${formats.date(at)}, ${formats.timeOfDay(at)}` : t('travel.live'));
    setText(this.#note, state ? noteOf(state) : '');
    const missing = state ? LIVE_ONLY.filter((key) => !hidden.has(key)) : [];
    setText(this.#liveOnly, missing.length === 0 ? '' : t('travel.liveOnly', { layers: missing.map((key) => t(`layer.${key}`)).join(', ') }));
    this.#slider.value = String(Math.round((at - this.#from) / SECOND_MS));
    const text = state ? formats.timeOfDay(at) : t('travel.live');
    if (this.#slider.getAttribute('aria-valuetext') !== text) this.#slider.setAttribute('aria-valuetext', text);
    // What the user types is not replaced.
    if (document.activeElement !== this.#date) this.#date.value = formats.clockText(at);
    const speed = String(state?.speed ?? this.#speed.value);
    if (this.#speed.value !== speed) this.#speed.value = speed;
    this.#speed.disabled = state === undefined;
    this.#live.hidden = state === undefined;
  }

  /** Of the present, not of the last drawing: the slider can be moved before the next one. */
  get #from(): number {
    return (this.#end ?? Date.now()) - SPAN_MS;
  }

  /** What the user chose at the slider. The present is longer than a step: the first one back ends before it. */
  get #chosen(): number {
    const at = this.#from + this.#slider.valueAsNumber * SECOND_MS;
    const isBack = this.#isLive && this.#slider.value !== this.#slider.max;
    return isBack ? Math.min(at, Date.now() - LIVE_EDGE_MS - STEP_S * SECOND_MS) : at;
  }

  /** The last 12 hours, or those around an earlier time. */
  #moveWindow(at: number, now: number): void {
    if (at >= now - SPAN_MS) this.#end = undefined;
    else if (this.#end === undefined || at < this.#from || at > this.#end) this.#end = Math.min(now, at + SPAN_MS / 2);
  }

  #pickDate(): void {
    const at = this.#formats?.clockTime(this.#date.value);
    if (at !== undefined) this.#actions.seek(at);
  }
}

function noteOf({ loading, trouble }: TravelState): string {
  if (trouble !== undefined) return t(`travel.${trouble}`);
  return loading ? t('travel.loading') : '';
}
