import english from './languages/en.json';
import { Texts } from './texts';

export type TextKey = keyof typeof english;

/** Besides English, each a file that is loaded on demand. A new language is a file here and its name below. */
const FILES = import.meta.glob<Record<string, string>>(['./languages/*.json', '!./languages/en.json'], { import: 'default' });
/** Their codes and own names. */
export const LANGUAGES: readonly (readonly [code: string, name: string])[] = [
  ['en', english.language], ['de', 'Deutsch'], ['fr', 'Français'], ['it', 'Italiano'], ['ru', 'Русский'],
];

const texts = new Texts<TextKey>(english, (code) => FILES[`./languages/${code}.json`]?.());

/** The best language for a user: the chosen one, else the first available one that the browser prefers. */
export function languageFor(chosen: string | undefined, preferred: readonly string[]): string {
  const there = new Set(LANGUAGES.map(([code]) => code));
  const wanted = [chosen, ...preferred].map((code) => code?.slice(0, 2).toLowerCase());
  return wanted.find((code) => code !== undefined && there.has(code)) ?? 'en';
}

/** Uses a language from now on; a file that cannot be loaded leaves English. */
export function useLanguage(code: string): Promise<void> {
  return texts.use(code);
}

/** A text in the user's language, with `{name}` replaced. */
export function t(key: TextKey, values: Record<string, string | number> = {}): string {
  return texts.text(key, values);
}
