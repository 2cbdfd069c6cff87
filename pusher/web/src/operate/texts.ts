import { Texts } from '../settings/texts';
import english from './languages/en.json';

export type Key = keyof typeof english;

/** Texts of this page alone, so that the map loads none of them. A new language of the map needs a file here too. */
const FILES = import.meta.glob<Record<string, string>>(['./languages/*.json', '!./languages/en.json'], { import: 'default' });

const texts = new Texts<Key>(english, (code) => FILES[`./languages/${code}.json`]?.());

export function useTexts(code: string): Promise<void> {
  return texts.use(code);
}

/** A text in the user's language, with `{name}` replaced. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return texts.text(key, values);
}

/** The text of a code of the server, such as a reason; a code that this page does not know is shown as it is. */
export function textOfCode(group: string, code: string | undefined): string {
  if (code === undefined || code === '') return '';
  const key = `${group}.${code}`;
  return key in english ? texts.text(key as Key) : code.replaceAll('_', ' ');
}
