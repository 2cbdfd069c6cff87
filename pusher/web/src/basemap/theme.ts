export const THEMES = ['dark', 'light', 'sunlight'] as const;
/** `sunlight`: as much contrast as a screen in the sun needs. */
export type Theme = (typeof THEMES)[number];

/** Colours of the base map and of its labels. */
export interface Palette {
  water: string;
  land: string;
  coast: string;
  border: string;
  graticule: string;
  place: string;
  mountain: string;
  halo: string;
  /** Text of live objects. */
  ink: string;
  wood: string;
  ice: string;
  town: string;
  river: string;
  road: string;
  highway: string;
  contour: string;
  /** Of the hillshade. */
  shadow: string;
  highlight: string;
}

const LIGHT: Palette = {
  water: '#c9deec', land: '#f5f3ec', coast: '#8fb3cc', border: '#a99f8f', graticule: '#3b5468',
  place: '#55636f', mountain: '#80673f', halo: '#fbfaf6', ink: '#14202b',
  wood: '#dfe8d0', ice: '#e6f2f8', town: '#e6e0d6', river: '#6d9dbd', road: '#c9c1b2', highway: '#d9a673', contour: '#9a7b4f',
  shadow: '#4d4433', highlight: '#ffffff',
};

export const PALETTES: Record<Theme, Palette> = {
  dark: {
    water: '#0a141f', land: '#152331', coast: '#35506a', border: '#4a637c', graticule: '#ffffff',
    place: '#9fb2c6', mountain: '#b3a58a', halo: '#0d1824', ink: '#f2f6fa',
    wood: '#182c30', ice: '#2c4052', town: '#22303f', river: '#2e4f6b', road: '#33475a', highway: '#5d5340', contour: '#7d8f9f',
    shadow: '#02060a', highlight: '#6f8aa3',
  },
  light: LIGHT,
  sunlight: { ...LIGHT, water: '#bcdcf5', land: '#ffffff', coast: '#3d7ea6', border: '#5c5142', place: '#1d2730', mountain: '#4d3a18', halo: '#ffffff', ink: '#000000', contour: '#7a5a28' },
};

/** Whether text is light on dark. */
export function isDark(theme: Theme): boolean {
  return theme === 'dark';
}
