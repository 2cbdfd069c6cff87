import english from './languages/en.json';

export type TextKey = keyof typeof english;
type Texts = Partial<Record<string, string>>;

/** Besides English, each a file that is loaded on demand. A new file here is a new language. */
const FILES = import.meta.glob<Texts>(['./languages/*.json', '!./languages/en.json'], { import: 'default' });
/** Their codes and own names. */
export const LANGUAGES: readonly (readonly [code: string, name: string])[] = [
  ['en', english.language], ['de', 'Deutsch'], ['fr', 'Français'], ['it', 'Italiano'], ['ru', 'Русский'],
];

let texts: Texts = english;

/** The best language for a user: the chosen one, else the first available one that the browser prefers. */
export function languageFor(chosen: string | undefined, preferred: readonly string[]): string {
  const there = new Set(LANGUAGES.map(([code]) => code));
  const wanted = [chosen, ...preferred].map((code) => code?.slice(0, 2).toLowerCase());
  return wanted.find((code) => code !== undefined && there.has(code)) ?? 'en';
}

/** Uses a language from now on; a file that cannot be loaded leaves English. */
export async function useLanguage(code: string): Promise<void> {
  const load = FILES[`./languages/${code}.json`];
  try {
    texts = load ? await load() : english;
  } catch (error) {
    console.warn(`the language ${code} cannot be loaded`, error);
    texts = english;
  }
}

/** A text in the user's language, with `{name}` replaced. */
export function t(key: TextKey, values: Record<string, string | number> = {}): string {
  const text = texts[key] ?? english[key];
  return text.replace(/\{(\w+)\}/g, (placeholder, name: string) => String(values[name] ?? placeholder));
}
