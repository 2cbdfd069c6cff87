// Texts that devices broadcast: the list and the labels of the map have a mark while they are new.

/** The server keeps a text for half an hour; a mark for less, so that it stands out. Ms. */
const NEW_MS = 10 * 60_000;
const MARK = '✉';

interface Texted {
  text?: string;
  textAt?: number;
}

/** `✉ Landing at the lake`; empty without a new text. */
export function newText({ text, textAt }: Texted, now: number): string {
  return text !== undefined && textAt !== undefined && now - textAt < NEW_MS ? `${MARK} ${text}` : '';
}

/** A label, with the mark of a new text. */
export function withMark(label: string, device: Texted, now: number): string {
  return newText(device, now) === '' ? label : `${MARK} ${label}`;
}
