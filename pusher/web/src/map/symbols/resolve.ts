import type { Theme } from '../../basemap/theme';
import { aircraftKind } from './aircraft';
import { drawSymbol, SYMBOL_SIZE } from './canvas';
import { climbColour } from './climb';
import { drawGround } from './ground';
import { drawMark } from './marks';
import { drawStation } from './station';

/** The names of the images, by which the layers ask for them. */
export const symbolId = {
  aircraft: (kind: number, climbStep: number) => `aircraft:${kind}:${climbStep}`,
  ground: (kind: number) => `ground:${kind}`,
  station: (windStep: number, knots: number | undefined) => `station:${windStep}:${knots ?? ''}`,
  mark: (name: string, theme: Theme) => `base:${name}:${theme}`,
};

/** Draws the image of a name; undefined for a name that is none of ours. */
export function drawById(id: string): { image: ImageData; pixelRatio: number } | undefined {
  const [family, first = '', second = ''] = id.split(':');
  switch (family) {
    case 'aircraft':
      return drawSymbol(SYMBOL_SIZE, (g) => aircraftKind(Number(first)).draw(g, climbColour(Number(second))));
    case 'ground':
      return drawSymbol(32, (g) => drawGround(g, Number(first)));
    case 'station':
      return drawSymbol(56, (g) => drawStation(g, Number(first), second === '' ? undefined : Number(second)));
    case 'base':
      return drawSymbol(first === 'receiver' ? 26 : first === 'drift' ? 30 : first === 'peak' ? 14 : 8, (g) => drawMark(g, first, second as Theme));
    default:
      return undefined;
  }
}
