type Some = Partial<Record<string, string>>;

/** The texts of a page in the user's language; English where one is missing. */
export class Texts<Key extends string> {
  readonly #english: Readonly<Record<Key, string>>;
  readonly #load: (code: string) => Promise<Some> | undefined;
  #texts: Some;

  /** `load`: the texts of another language; undefined: there is no such language. */
  constructor(english: Readonly<Record<Key, string>>, load: (code: string) => Promise<Some> | undefined) {
    this.#english = english;
    this.#load = load;
    this.#texts = english;
  }

  /** Uses a language from now on; a file that cannot be loaded leaves English. */
  async use(code: string): Promise<void> {
    try {
      this.#texts = await this.#load(code) ?? this.#english;
    } catch (error) {
      console.warn(`the language ${code} cannot be loaded`, error);
      this.#texts = this.#english;
    }
  }

  /** A text, with `{name}` replaced. */
  text(key: Key, values: Record<string, string | number> = {}): string {
    const text = this.#texts[key] ?? this.#english[key];
    return text.replace(/\{(\w+)\}/g, (placeholder, name: string) => String(values[name] ?? placeholder));
  }
}
