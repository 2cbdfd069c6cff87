import { ObjectKind } from 'updraft-client';
import type { LayerKey } from './layers/layer';

const KINDS: readonly (readonly [LayerKey, ObjectKind])[] = [
  ['aircraft', ObjectKind.OBJECT_KIND_AIRCRAFT], ['ground', ObjectKind.OBJECT_KIND_GROUND], ['thermals', ObjectKind.OBJECT_KIND_THERMAL],
  ['stations', ObjectKind.OBJECT_KIND_STATION], ['receivers', ObjectKind.OBJECT_KIND_RECEIVER], ['landmarks', ObjectKind.OBJECT_KIND_LANDMARK],
];

/** The kinds to subscribe, without those of hidden layers. Distress calls cannot be switched off. */
export function kindsWithout(hidden: ReadonlySet<LayerKey>): ObjectKind[] {
  return [...KINDS.filter(([key]) => !hidden.has(key)).map(([, kind]) => kind), ObjectKind.OBJECT_KIND_ALERT];
}
