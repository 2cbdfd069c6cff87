import { t, type TextKey } from '../settings/language';
import { h } from './dom';

/** The action of a key, and its label in the help. */
export const KEYS: readonly (readonly [key: string, label: TextKey])[] = [
  ['/', 'help.search'], ['↑ ↓', 'help.rows'], ['K', 'help.filter'], ['X', 'help.unfilter'], ['F', 'help.follow'], ['L', 'help.layers'], ['S', 'help.settings'], ['G', 'help.group'], ['3', 'help.terrain'], ['D', 'help.data'], ['P', 'help.travel'], ['N', 'help.live'], ['U', 'help.silent'], ['T', 'help.theme'],
  ['C', 'help.colour'], ['+ − ← →', 'help.map'], ['Esc', 'help.close'], ['?', 'help.help'],
];

export function keyHelp(): HTMLElement {
  return h('dl', { class: 'keys' }, ...KEYS.flatMap(([key, label]) => [h('dt', {}, ...key.split(' ').map((one) => h('kbd', {}, one))), h('dd', {}, t(label))]));
}

/** Whether a key is typed into a text field, or chooses in a list. */
function isTyping({ target }: KeyboardEvent): boolean {
  return target instanceof HTMLSelectElement || target instanceof HTMLInputElement && !['checkbox', 'radio', 'range'].includes(target.type);
}

/** The name of a pressed key. A letter of another script has the name of its place on an English keyboard. */
export function keyName({ key, code }: { key: string; code: string }): string {
  const other = key.length === 1 && key.charCodeAt(0) > 127 ? /^Key([A-Z])$/.exec(code)?.[1] : undefined;
  return (other ?? key).toLowerCase();
}

/**
 * Calls the action of a pressed key, by its name, except while text is typed or a dialog is open. `isOn`: whether keys of one
 * character act; Escape always does.
 */
export function onKeys(actions: Readonly<Record<string, () => void>>, isOn: () => boolean): void {
  addEventListener('keydown', (event) => {
    if (document.querySelector('dialog[open]')) return;
    const { key } = event;
    if (key === 'Escape') actions.escape?.();
    if (!isOn() || isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = key.length === 1 ? actions[keyName(event)] : undefined;
    if (!act) return;
    event.preventDefault();
    act();
  });
}
