import { h } from '../ui/dom';
import { t } from './texts';

/** As the API has it. */
const MAX_REMARK = 200;

export interface Place {
  latitude_deg: number;
  longitude_deg: number;
  altitude_m?: number;
}

export interface Question {
  title: string;
  /** What will happen. */
  text: string;
  /** The button that does it. */
  button: string;
  /** Whether the API takes a reason. */
  remark: boolean;
  /** Asks for a position, beginning with this one. */
  position?: Place;
}

export interface Confirmed {
  remark: string;
  position: Place | undefined;
}

/** Asks before something is changed. Undefined: it shall not be done. */
export function confirm({ title, text, button, remark, position }: Question): Promise<Confirmed | undefined> {
  const reason = h('input', { id: 'remark', type: 'text', maxlength: MAX_REMARK, autocomplete: 'off' });
  const place = position && new PlaceFields(position);
  const yes = h('button', { type: 'submit', class: 'action primary', value: 'yes' }, button);
  const no = h('button', { type: 'button', class: 'action', onclick: () => dialog.close() }, t('confirm.cancel'));
  const form = h('form', { method: 'dialog' },
    h('h2', { id: 'confirm-title' }, title), h('p', { id: 'confirm-text' }, text),
    place?.element,
    remark && h('p', { class: 'labelled' }, h('label', { for: 'remark' }, t('confirm.remark')), reason),
    h('p', { class: 'small' }, t('confirm.audit')),
    h('div', { class: 'buttons' }, no, yes));
  const dialog = h('dialog', { class: 'panel confirm', 'aria-labelledby': 'confirm-title', 'aria-describedby': 'confirm-text' }, form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      const isConfirmed = dialog.returnValue === 'yes';
      dialog.remove();
      resolve(isConfirmed ? { remark: reason.value.trim(), position: place?.value() } : undefined);
    });
    dialog.showModal();
    // What changes nothing is the first choice.
    (place?.first ?? (remark ? reason : no)).focus();
  });
}

/** Fields for a position, in degrees and metres. */
class PlaceFields {
  readonly first: HTMLInputElement;
  readonly #longitude: HTMLInputElement;
  readonly #altitude: HTMLInputElement;
  readonly element: HTMLElement;

  constructor({ latitude_deg: latitude, longitude_deg: longitude, altitude_m: altitude }: Place) {
    const field = (id: string, range: number, value: number) => h('input', { id, type: 'number', step: 'any', min: -range, max: range, required: true, value });
    this.first = field('latitude', 90, latitude);
    this.#longitude = field('longitude', 180, longitude);
    this.#altitude = h('input', { id: 'altitude', type: 'number', step: 1, min: -1000, max: 32_000, value: altitude ?? '' });
    const labelled = (id: string, input: HTMLElement) => h('p', { class: 'labelled' }, h('label', { for: id }, t(`confirm.${id as 'latitude' | 'longitude' | 'altitude'}`)), input);
    this.element = h('div', {}, labelled('latitude', this.first), labelled('longitude', this.#longitude), labelled('altitude', this.#altitude));
  }

  value(): Place {
    const place = { latitude_deg: this.first.valueAsNumber, longitude_deg: this.#longitude.valueAsNumber };
    return Number.isNaN(this.#altitude.valueAsNumber) ? place : { ...place, altitude_m: this.#altitude.valueAsNumber };
  }
}
