import type { Session } from 'updraft-client';
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
  #online: boolean | undefined;

  /** `sound`: whether a new distress call plays a sound. */
  update(scene: Scene, session: Session, sound: boolean): void {
    for (const alert of openCalls(scene.picture.alerts.values())) {
      if (this.#known.has(alert.id)) continue;
      this.#known.add(alert.id);
      const urgent = isDistress(alert);
      (urgent ? this.#urgent : this.#calm).textContent = t('announce.alert', { kind: alertLabel(alert.kind), who: callerOf(alert) });
      if (urgent && sound) play();
    }
    const online = session.status === 'live';
    if (this.#online !== undefined && (online || session.status === 'waiting') && online !== this.#online) {
      this.#calm.textContent = t(online ? 'announce.live' : 'announce.lost');
    }
    if (online || session.status === 'waiting') this.#online = online;
  }
}

/** Three tones. Browsers do not let a page play sound before the user has touched it. */
function play(): void {
  if (!navigator.userActivation?.hasBeenActive) return;
  const audio = new AudioContext();
  TONE_HZ.forEach((hz, i) => {
    const tone = new OscillatorNode(audio, { frequency: hz });
    tone.connect(new GainNode(audio, { gain: 0.2 })).connect(audio.destination);
    tone.start(audio.currentTime + i * TONE_S);
    tone.stop(audio.currentTime + (i + 0.8) * TONE_S);
    if (i === TONE_HZ.length - 1) tone.addEventListener('ended', () => void audio.close());
  });
}
