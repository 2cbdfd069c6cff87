import type { Theme } from '../../basemap/theme';
import { aircraftKind } from './aircraft';
import { drawSymbol, SYMBOL_SIZE } from './canvas';
import { scaleColour, type ColourScale } from './colour';
import { drawGround } from './ground';
import { drawMark } from './marks';
import { drawStation, drawWind } from './station';

/** The names of the images that the layers use. */
export const symbolId = {
  aircraft: (kind: number, scale: ColourScale, step: number) => `aircraft:${kind}:${scale}:${step}`,
  ground: (kind: number) => `ground:${kind}`,
  station: (windStep: number, knots: number | undefined) => `station:${windStep}:${knots ?? ''}`,
  wind: (windStep: number, knots: number) => `wind:${windStep}:${knots}`,
  mark: (name: string, theme: Theme) => `base:${name}:${theme}`,
};

/** Draws the image of a name; undefined for an unknown name. */
export function drawById(id: string): { image: ImageData; pixelRatio: number } | undefined {
  const [family, first = '', second = '', third = ''] = id.split(':');
  switch (family) {
    case 'aircraft':
      return drawSymbol(SYMBOL_SIZE, (g) => aircraftKind(Number(first)).draw(g, scaleColour(second as ColourScale, Number(third))));
    case 'ground':
      return drawSymbol(32, (g) => drawGround(g, Number(first)));
    case 'station':
      return drawSymbol(56, (g) => drawStation(g, Number(first), second === '' ? undefined : Number(second)));
    case 'wind':
      return drawSymbol(48, (g) => drawWind(g, Number(first), Number(second)));
    case 'base':
      return drawSymbol(first === 'receiver' ? 26 : first === 'drift' ? 30 : first === 'peak' ? 14 : 8, (g) => drawMark(g, first, second as Theme));
    default:
      return undefined;
  }
}
