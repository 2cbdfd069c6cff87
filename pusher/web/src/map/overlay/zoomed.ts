/** A value at some zooms, in their order. */
export type Stops = readonly (readonly [zoom: number, value: number])[];

/** The value at a zoom: linear between two stops, as MapLibre's `interpolate`. */
export function atZoom(stops: Stops, zoom: number): number {
  const after = stops.findIndex(([at]) => at > zoom);
  const [to, from] = [stops.at(after)!, stops[after - 1]];
  if (!from) return to[1];
  return from[1] + ((zoom - from[0]) / (to[0] - from[0])) * (to[1] - from[1]);
}
