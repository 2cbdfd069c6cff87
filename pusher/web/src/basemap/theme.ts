export type Theme = 'light' | 'dark';

/** Colours of the offline base map and of what is written on it. */
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
}

export const PALETTES: Record<Theme, Palette> = {
  dark: {
    water: '#0a141f', land: '#152331', coast: '#35506a', border: '#4a637c', graticule: '#ffffff',
    place: '#9fb2c6', mountain: '#b3a58a', halo: '#0d1824', ink: '#f2f6fa',
  },
  light: {
    water: '#c9deec', land: '#f5f3ec', coast: '#8fb3cc', border: '#a99f8f', graticule: '#3b5468',
    place: '#55636f', mountain: '#80673f', halo: '#fbfaf6', ink: '#14202b',
  },
};
