import { AIRCRAFT_KINDS, aircraftKind } from '../map/symbols/aircraft';
import { CLIMB_LEGEND, climbStep } from '../map/symbols/climb';
import { GROUND_KINDS, groundKind } from '../map/symbols/ground';
import { symbolId } from '../map/symbols/resolve';
import { barbKnots, WIND_LEGEND, windStep } from '../map/symbols/station';
import { h } from './dom';
import { symbolUrl } from './icon';

const SAMPLE_CLIMB_MPS = 2;
const SAMPLE_WIND_KMH = 28;

/** What the symbols and colours mean. */
export function legend(): HTMLElement {
  const step = climbStep(SAMPLE_CLIMB_MPS);
  return h('div', { class: 'legend' },
    h('h3', {}, 'Climb, m/s'), scale(CLIMB_LEGEND),
    h('h3', {}, 'Wind, km/h'), scale(WIND_LEGEND),
    h('h3', {}, 'Symbols'),
    h('ul', { class: 'symbols' },
      ...AIRCRAFT_KINDS.map((kind) => symbol(symbolId.aircraft(kind, step), aircraftKind(kind).label)),
      ...GROUND_KINDS.map((kind) => symbol(symbolId.ground(kind), groundKind(kind).label)),
      symbol(symbolId.station(windStep(SAMPLE_WIND_KMH), barbKnots(SAMPLE_WIND_KMH)), 'Weather station, the barb points into the wind'),
      symbol(symbolId.mark('receiver', 'dark'), 'Receiver'),
      h('li', {}, h('i', { class: 'ring' }), 'Thermal, as large as it was found')));
}

function scale(steps: readonly { colour: string; label: string }[]): HTMLElement {
  return h('div', { class: 'scale' }, ...steps.map(({ colour, label }) => h('span', { style: `--colour: ${colour}` }, label)));
}

function symbol(id: string, label: string): HTMLElement {
  return h('li', {}, h('img', { src: symbolUrl(id), alt: '', width: 26, height: 26 }), label);
}
