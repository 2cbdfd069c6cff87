const FRESH_MS = 20_000;
const OLD_MS = 5 * 60_000;
const FAINT = 0.3;
/** Steps of the opacity: what stands on the map is drawn again with each of them. */
const STEPS = 20;

/** The opacity of an object by the age of its data: 1 while fresh, then fading, never invisible. */
export function opacityByAge(ageMs: number, lifetimeMs = OLD_MS): number {
  if (ageMs <= FRESH_MS) return 1;
  const share = Math.min(1, (ageMs - FRESH_MS) / Math.max(1, lifetimeMs - FRESH_MS));
  return Math.round((1 - share * (1 - FAINT)) * STEPS) / STEPS;
}
