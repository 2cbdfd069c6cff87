const MINUS = '−';
const COMPASS = ['N', 'NNE', 'NE', 'ENE', 'E', 'ESE', 'SE', 'SSE', 'S', 'SSW', 'SW', 'WSW', 'W', 'WNW', 'NW', 'NNW'];
export const UNKNOWN = '–';

/** `+2.1`, `−0.4`; empty where it is not known. */
export function formatClimb(mps: number | undefined): string {
  if (mps === undefined) return '';
  const text = Math.abs(mps).toFixed(1);
  return text === '0.0' ? '0.0' : `${mps < 0 ? MINUS : '+'}${text}`;
}

/** A whole number with its unit. */
export function formatWhole(value: number | undefined, unit: string): string {
  return value === undefined ? UNKNOWN : `${Math.round(value).toString().replace('-', MINUS)} ${unit}`;
}

/** `235° SW`. */
export function formatCourse(deg: number | undefined): string {
  if (deg === undefined) return UNKNOWN;
  return `${Math.round(deg) % 360}° ${COMPASS[Math.round(deg / 22.5) % 16]}`;
}

/** `3 s`, `12 min`, `2 h`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

/** `46.68765° N 7.86312° E`. */
export function formatPlace(lat: number, lon: number): string {
  return `${Math.abs(lat).toFixed(5)}° ${lat < 0 ? 'S' : 'N'} ${Math.abs(lon).toFixed(5)}° ${lon < 0 ? 'W' : 'E'}`;
}

/** Time of day where the reader is. */
export function formatTime(ms: number): string {
  return new Date(ms).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}
