import { h } from './dom';

/** One of several, as radio buttons. */
export function choice<T extends string>(name: string, title: string, options: readonly (readonly [value: T, label: string])[], chosen: T, choose: (value: T) => void): HTMLElement {
  return h('fieldset', { class: 'choice', 'data-choice': name }, h('legend', {}, title), ...options.map(([value, label]) => {
    const input = h('input', { type: 'radio', name, value, checked: value === chosen });
    input.addEventListener('change', () => choose(value));
    return h('label', {}, input, h('span', {}, label));
  }));
}

/** One of many, as a list that opens. */
export function selection<T extends string | number>(name: string, title: string, options: readonly (readonly [value: T, label: string])[], chosen: T, choose: (value: T) => void): HTMLElement {
  const select = h('select', { name }, ...options.map(([value, label]) => h('option', { value, selected: value === chosen }, label)));
  select.addEventListener('change', () => {
    const option = options[select.selectedIndex];
    if (option) choose(option[0]);
  });
  return h('label', { class: 'field' }, h('span', {}, title), select);
}

/** Something on or off. */
export function toggle(name: string, label: string, on: boolean, change: (on: boolean) => void): HTMLElement {
  const input = h('input', { type: 'checkbox', checked: on, name });
  input.addEventListener('change', () => change(input.checked));
  return h('label', { class: 'toggle' }, input, h('i'), label);
}
