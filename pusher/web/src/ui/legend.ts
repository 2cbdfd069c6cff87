import { AIRCRAFT_KINDS, aircraftKind } from '../map/symbols/aircraft';
import { GROUP_COLOURS } from '../group';
import { RINGS } from '../map/symbols/rings';
import { LANDMARK_COLOURS } from '../map/layers/landmarks';
import { ZONE_COLOURS } from '../map/layers/zones';
import { colourStep, scaleLegend, type ColourScale } from '../map/symbols/colour';
import { GROUND_KINDS, groundKind } from '../map/symbols/ground';
import { symbolId } from '../map/symbols/resolve';
import { barbKnots, WIND_LEGEND, windStep } from '../map/symbols/station';
import type { Formats } from '../settings/formats';
import { t } from '../settings/language';
import { h } from './dom';
import { landmarkLabel } from './facts';
import { symbolUrl } from './icon';

const ZONES = ['restricted', 'controlled', 'radio', 'gliders', 'other'] as const;
const SAMPLE_CLIMB_MPS = 2;
const SAMPLE_WIND_KMH = 28;

/** The meaning of symbols and colours. */
export function legend(scale: ColourScale, formats: Formats): HTMLElement {
  const { title, steps } = scaleLegend(scale, formats);
  const step = colourStep('climb', SAMPLE_CLIMB_MPS);
  return h('div', { class: 'legend', tabindex: 0 },
    h('h3', {}, t(title, { unit: scale === 'altitude' ? formats.units.altitude.name : formats.climbUnit })), colours(steps),
    h('h3', {}, t('legend.wind', { unit: formats.speedUnit })), colours(WIND_LEGEND.map(({ colour, fromKmh }) => ({ colour, label: formats.speedNumber(fromKmh) }))),
    h('h3', {}, t('legend.symbols')),
    h('ul', { class: 'symbols' },
      ...AIRCRAFT_KINDS.map((kind) => symbol(symbolId.aircraft(kind, 'climb', step), aircraftKind(kind).label())),
      ...GROUND_KINDS.map((kind) => symbol(symbolId.ground(kind), groundKind(kind).label())),
      symbol(symbolId.station(windStep(SAMPLE_WIND_KMH), barbKnots(SAMPLE_WIND_KMH)), t('legend.station')),
      symbol(symbolId.wind(windStep(SAMPLE_WIND_KMH), barbKnots(SAMPLE_WIND_KMH)), t('legend.windAloft')),
      symbol(symbolId.mark('receiver', 'dark'), t('legend.receiver')),
      h('li', {}, h('i', { class: 'ring' }), t('legend.thermal')),
      h('li', {}, h('i', { class: 'stack' }), t('legend.stack')),
      ring(RINGS.selected, t('legend.selected')), ring(RINGS.followed, t('legend.followed')), ring(GROUP_COLOURS[0], t('legend.member')), ring(RINGS.alert, t('alert.distress')),
      ...Object.entries(LANDMARK_COLOURS).map(([layer, colour]) => mark('dot', colour!, landmarkLabel(Number(layer)))),
      ...ZONES.map((zone) => mark('swatch', ZONE_COLOURS[zone], t(`legend.zone.${zone}`)))));
}

function colours(steps: readonly { colour: string; label: string }[]): HTMLElement {
  return h('div', { class: 'scale' }, ...steps.map(({ colour, label }) => {
    const step = h('span', {}, label);
    step.style.setProperty('--colour', colour);
    return step;
  }));
}

function ring(colour: string, label: string): HTMLElement {
  const element = h('i', { class: 'ring' });
  element.style.borderColor = colour;
  element.style.background = 'none';
  return h('li', {}, element, label);
}

function mark(form: 'dot' | 'swatch', colour: string, label: string): HTMLElement {
  const element = h('i', { class: form });
  element.style.background = colour;
  return h('li', {}, element, label);
}

function symbol(id: string, label: string): HTMLElement {
  return h('li', {}, h('img', { src: symbolUrl(id), alt: '', width: 26, height: 26 }), label);
}
