/** The ground is drawn after the first aircraft, or, where none is drawn by then, after this time, ms. */
export const GROUND_AFTER_MS = 2500;
/** Its code is requested again after this time, ms. */
export const GROUND_RETRY_MS = 10_000;
