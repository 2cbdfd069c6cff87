import { THEMES } from '../basemap/theme';
import type { BaseMap } from '../config';
import { LAYER_KEYS, type LayerKey } from '../map/layers/layer';
import { COLOUR_SCALES, type ColourScale } from '../map/symbols/colour';
import { BAND_M, bandsOf, type Wind } from '../live/winds';
import { TIME_ZONES, UNITS, type Formats } from '../settings/formats';
import { LANGUAGES, t } from '../settings/language';
import { DATA_USES, type Preferences } from '../settings/preferences';
import { choice, selection, toggle } from './choices';
import { h, setText } from './dom';

export interface LayerChoices {
  hidden: ReadonlySet<LayerKey>;
  baseMaps: readonly BaseMap[];
  baseMap: BaseMap;
  styleUrl: string | undefined;
  /** The server has terrain. */
  hasTerrain: boolean;
  colour: ColourScale;
  winds: readonly Wind[];
  windBand: number;
  formats: Formats;
  setVisible: (key: LayerKey, visible: boolean) => void;
  setBaseMap: (baseMap: BaseMap) => void;
  setColour: (colour: ColourScale) => void;
  setWindBand: (baseM: number) => void;
}

/** The settings of the map: layers, base map, the meaning of colours. */
export function layerPanel({ hidden, baseMaps, baseMap, styleUrl, hasTerrain, colour, winds, windBand, formats, setVisible, setBaseMap, setColour, setWindBand }: LayerChoices): HTMLElement {
  const host = styleUrl === undefined ? '' : new URL(styleUrl, location.href).host;
  return h('div', {},
    ...LAYER_KEYS.filter((key) => key !== 'relief' || hasTerrain).map((key) => toggle(key, t(`layer.${key}`), !hidden.has(key), (visible) => setVisible(key, visible))),
    !hidden.has('winds') && selection('wind-band', t('wind.band'), bandsOf(winds).map(({ baseM, count }) => [baseM, bandLabel(baseM, count, formats)] as const), windBand, setWindBand),
    choice('colour', t('colour.title'), COLOUR_SCALES.map((scale) => [scale, t(`colour.${scale}`)] as const), colour, setColour),
    baseMaps.length > 1 && choice('base', t('base.title'), baseMaps.map((one) => [one, t(`base.${one}`, { host })] as const), baseMap, setBaseMap));
}

/** Writes the numbers of winds into an open list of the bands. */
export function showBands(panel: HTMLElement, winds: readonly Wind[], formats: Formats): void {
  for (const { baseM, count } of bandsOf(winds)) {
    const option = panel.querySelector(`[name=wind-band] option[value="${baseM}"]`);
    if (option) setText(option, bandLabel(baseM, count, formats));
  }
}

/** `1500–2000 m (3)`: how many winds there are. */
function bandLabel(baseM: number, count: number, formats: Formats): string {
  const band = formats.band(baseM, baseM + BAND_M);
  return count === 0 ? band : `${band} (${count})`;
}

/** The settings of values and of the page's look, for this browser. */
export function settingsPanel({ units = 'metric', zone = 'local', theme = 'dark', language = 'en', sound = true, data = 'auto', notify = false, keys = true }: Preferences, change: (change: Partial<Preferences>) => void, dataUse: HTMLElement): HTMLElement {
  return h('div', {},
    choice('units', t('setting.units'), UNITS.map((one) => [one, t(`setting.units.${one}`)] as const), units, (chosen) => change({ units: chosen })),
    choice('zone', t('setting.time'), TIME_ZONES.map((one) => [one, t(`setting.time.${one}`)] as const), zone, (chosen) => change({ zone: chosen })),
    choice('theme', t('setting.theme'), THEMES.map((one) => [one, t(`setting.theme.${one}`)] as const), theme, (chosen) => change({ theme: chosen })),
    choice('language', t('setting.language'), LANGUAGES, language, (chosen) => change({ language: chosen })),
    choice('data', t('setting.data'), DATA_USES.map((one) => [one, t(`setting.data.${one}`)] as const), data, (chosen) => change({ data: chosen })), dataUse,
    toggle('sound', t('alert.sound'), sound, (on) => change({ sound: on })),
    toggle('notify', t('setting.notify'), notify, (on) => change({ notify: on })),
    toggle('keys', t('setting.keys'), keys, (on) => change({ keys: on })));
}
