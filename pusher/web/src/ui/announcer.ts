import type { Alert, Session } from 'updraft-client';
import { isDistress, openCalls } from '../live/alerts';
import type { Scene } from '../map/scene';
import { t } from '../settings/language';
import { alertLabel, callerOf } from './calls';
import { h } from './dom';

const TONE_HZ = [880, 660, 880] as const;
const TONE_S = 0.18;

/**
 * Announces each new call once: to screen readers in the page's only live regions, and by sound for a new distress call.
 * All other parts of the page may change at any time.
 */
export class Announcer {
  readonly #urgent = h('p', { class: 'unseen', role: 'alert' });
  readonly #calm = h('p', { class: 'unseen', role: 'status' });
  readonly element = h('div', {}, this.#urgent, this.#calm);
  readonly #known = new Set<string>();
  /** Distress calls whose sound has not been played. */
  readonly #unplayed = new Set<string>();
  #online: boolean | undefined;

  /** `sound`: whether a new distress call plays a sound. */
  update(scene: Scene, session: Session, sound: boolean): void {
    const calls = openCalls(scene.picture.alerts.values());
    const fresh = calls.filter(({ id }) => !this.#known.has(id));
    for (const { id } of fresh) this.#known.add(id);
    const urgent = fresh.filter(isDistress);
    announce(this.#urgent, urgent.map(textOf));
    if (sound) for (const { id } of urgent) this.#unplayed.add(id);
    if (!sound) this.#unplayed.clear();
    // Browsers let a page play sound once the user has touched it: a call that is still open then sounds then.
    if (navigator.userActivation?.hasBeenActive && calls.some(({ id }) => this.#unplayed.has(id))) {
      this.#unplayed.clear();
      play();
    }
    const online = session.status === 'live';
    const isChanged = this.#online !== undefined && (online || session.status === 'waiting') && online !== this.#online;
    announce(this.#calm, [...isChanged ? [t(online ? 'announce.live' : 'announce.lost')] : [], ...fresh.filter((call) => !isDistress(call)).map(textOf)]);
    if (online || session.status === 'waiting') this.#online = online;
  }
}

/** Writes what is new into a region at once: of several texts only the last one would be read. */
function announce(region: HTMLElement, texts: readonly string[]): void {
  if (texts.length > 0) region.textContent = texts.join('. ');
}

function textOf(call: Alert): string {
  return t('announce.alert', { kind: alertLabel(call.kind), who: callerOf(call) });
}

/** Three tones. */
function play(): void {
  const audio = new AudioContext();
  TONE_HZ.forEach((hz, i) => {
    const tone = new OscillatorNode(audio, { frequency: hz });
    tone.connect(new GainNode(audio, { gain: 0.2 })).connect(audio.destination);
    tone.start(audio.currentTime + i * TONE_S);
    tone.stop(audio.currentTime + (i + 0.8) * TONE_S);
    if (i === TONE_HZ.length - 1) tone.addEventListener('ended', () => void audio.close());
  });
}
