import type { TextKey } from '../../settings/language';
import type { Formats } from '../../settings/formats';

export const COLOUR_SCALES = ['climb', 'altitude', 'age'] as const;
/** The value that the colour of an aircraft shows. */
export type ColourScale = (typeof COLOUR_SCALES)[number];

interface Scale {
  /** The lower end of each step, and its colour. */
  steps: readonly (readonly [from: number, colour: string])[];
  title: TextKey;
  label: (value: number, formats: Formats) => string;
}

const UNKNOWN = '#c3b5e8';

/**
 * Each scale differs in lightness as well as in hue, so that neighbours can be distinguished with any colour vision:
 * sink is blue and darker the faster, level is nearly white, lift goes from light yellow to dark red.
 */
const SCALES: Record<ColourScale, Scale> = {
  climb: {
    title: 'legend.climb',
    steps: [
      [-Infinity, '#2f4bc4'], [-3, '#4a8ff0'], [-1.5, '#9ccdf2'], [-0.5, '#eef2f5'], [0.5, '#ffe066'], [1.5, '#ffa02e'], [3, '#f2542d'], [5, '#c4126a'],
    ],
    label: (mps, formats) => formats.climb(mps),
  },
  altitude: {
    title: 'legend.altitude',
    steps: [
      [-Infinity, '#3d2f7f'], [1000, '#31688e'], [1500, '#21918c'], [2000, '#35b779'], [2500, '#90d743'], [3000, '#fde725'], [3500, '#fff7bf'],
    ],
    label: (metres, formats) => formats.altitude(metres).replace(/\s.*/, ''),
  },
  age: {
    title: 'legend.age',
    steps: [[0, '#eef2f5'], [30, '#ffd166'], [120, '#f28e2b'], [600, '#8c5a3c']],
    label: (seconds) => (seconds < 60 ? `${seconds} s` : `${seconds / 60} min`),
  },
};

/** The step of a value on a scale, or -1 where the value is not known. */
export function colourStep(scale: ColourScale, value: number | undefined): number {
  return value === undefined ? -1 : Math.max(0, SCALES[scale].steps.findLastIndex(([from]) => value >= from));
}

export function scaleColour(scale: ColourScale, step: number): string {
  return SCALES[scale].steps[step]?.[1] ?? UNKNOWN;
}

/** For the legend, from low to high: the label of the first step is its upper end. */
export function scaleLegend(scale: ColourScale, formats: Formats): { title: TextKey; steps: { colour: string; label: string }[] } {
  const { steps, title, label } = SCALES[scale];
  return {
    title,
    steps: steps.map(([from, colour], i) => ({ colour, label: from === -Infinity ? `< ${label(steps[i + 1]![0], formats)}` : label(from, formats) })),
  };
}
