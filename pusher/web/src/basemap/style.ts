import type { StyleSpecification } from 'maplibre-gl';
import { PALETTES, type Theme } from './theme';

export const FONT = ['Inter', 'system-ui', 'sans-serif'];
/** The suffix of the name sets the weight. */
export const FONT_BOLD = ['Inter Bold', 'Arial Bold'];

/**
 * The style that the map begins with: nothing has to be fetched before the aircraft show. It names no glyphs: the page's
 * own fonts draw the labels.
 */
export function bareStyle(theme: Theme): StyleSpecification {
  return {
    version: 8,
    sources: {},
    layers: [{ id: 'water', type: 'background', paint: { 'background-color': PALETTES[theme].water } }],
  };
}
