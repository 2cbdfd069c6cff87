import { firstBaseMap, type BaseMap, type Config } from '../config';
import type { Theme } from '../basemap/theme';
import { FIRST_BAND_M } from '../live/winds';
import type { ColourScale } from '../map/symbols/colour';
import { systemTheme } from '../ui/theme';
import { Formats } from './formats';
import { storePreferences, type Preferences } from './preferences';

/** What applies on this page: the user's preferences, and a value for each that was never chosen. */
export class Choices {
  readonly language: string;
  readonly #preferences: Preferences;
  readonly #systemTheme = systemTheme();
  /** Of the page that has this one in a frame; not kept. */
  #embedTheme: Theme | undefined;
  #baseMap: BaseMap;
  #formats: Formats;

  constructor(preferences: Preferences, config: Config, language: string, embedTheme?: Theme) {
    this.#preferences = preferences;
    this.language = language;
    this.#embedTheme = embedTheme;
    this.#baseMap = firstBaseMap(config, location.search, preferences.baseMap ?? null, location.href);
    this.#formats = this.#makeFormats();
  }

  get theme(): Theme {
    return this.#embedTheme ?? this.#preferences.theme ?? this.#systemTheme;
  }

  get baseMap(): BaseMap {
    return this.#baseMap;
  }

  get colour(): ColourScale {
    return this.#preferences.colour ?? 'climb';
  }

  /** The lowest altitude of the band of winds that is shown, metres. */
  get windBandM(): number {
    return this.#preferences.windBand ?? FIRST_BAND_M;
  }

  get formats(): Formats {
    return this.#formats;
  }

  get stored(): Readonly<Preferences> {
    return this.#preferences;
  }

  /** Changes some, and keeps them in the browser. */
  change(change: Partial<Preferences>): void {
    Object.assign(this.#preferences, change);
    storePreferences(this.#preferences);
    if (change.theme !== undefined) this.#embedTheme = undefined;
    if (change.baseMap !== undefined) this.#baseMap = change.baseMap;
    this.#formats = this.#makeFormats();
  }

  #makeFormats(): Formats {
    const { units = 'metric', zone = 'local' } = this.#preferences;
    return new Formats(units, zone, this.language);
  }
}
