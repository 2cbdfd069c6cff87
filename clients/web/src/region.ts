import type { Bounds, Circle, Subscribe } from './proto/live.js';

/** The region of a subscription. */
export type Region = { bounds: Bounds } | { circle: Circle };

/** The view of the map, longitudes not wrapped: west is always below east. */
export interface View {
  south: number;
  west: number;
  north: number;
  east: number;
  /** The centre of the screen, which is not at the middle latitude; absent: the middle of the bounds. */
  centre?: { lat: number; lon: number };
}

const EARTH_RADIUS_KM = 6371;
const KM_PER_DEGREE = 111.195;
/** The used share of the largest bounds: the server may measure them a little differently. */
const CLAMP = 0.98;

/** Great-circle distance. */
export function distanceKm(lat1: number, lon1: number, lat2: number, lon2: number): number {
  const rad = Math.PI / 180;
  const a = Math.sin(((lat2 - lat1) * rad) / 2) ** 2
    + Math.cos(lat1 * rad) * Math.cos(lat2 * rad) * Math.sin(((lon2 - lon1) * rad) / 2) ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(a)));
}

/** The direction from one position to another, degrees true. */
export function bearingDeg(lat1: number, lon1: number, lat2: number, lon2: number): number {
  const rad = Math.PI / 180;
  const east = Math.sin((lon2 - lon1) * rad) * Math.cos(lat2 * rad);
  const north = Math.cos(lat1 * rad) * Math.sin(lat2 * rad) - Math.sin(lat1 * rad) * Math.cos(lat2 * rad) * Math.cos((lon2 - lon1) * rad);
  return (Math.atan2(east, north) / rad + 360) % 360;
}

/** The position at a distance in a direction. Longitudes are not wrapped. */
export function destination(lat: number, lon: number, bearing: number, km: number): [lon: number, lat: number] {
  const rad = Math.PI / 180;
  const angle = km / EARTH_RADIUS_KM;
  const sine = Math.sin(lat * rad) * Math.cos(angle) + Math.cos(lat * rad) * Math.sin(angle) * Math.cos(bearing * rad);
  const east = Math.atan2(Math.sin(bearing * rad) * Math.sin(angle) * Math.cos(lat * rad), Math.cos(angle) - Math.sin(lat * rad) * sine);
  return [lon + east / rad, Math.asin(sine) / rad];
}

/** Brings any longitude into -180 to 180. */
export function wrapLongitude(lon: number): number {
  if (lon >= -180 && lon <= 180) return lon;
  const wrapped = ((((lon + 180) % 360) + 360) % 360) - 180;
  return wrapped === -180 && lon > 0 ? 180 : wrapped;
}

/** The server's limits of one subscription. */
export interface RegionLimits {
  /** Of a circle. */
  maxRadiusKm: number;
  /** From south to north and from west to east of bounds. */
  maxSpanKm: number;
}

/**
 * The region for a view: its bounds; the largest bounds about its centre when the view is larger than those; and the largest
 * circle where the server gives bounds that are no larger than its circle.
 */
export function regionOf(view: View, limits: RegionLimits): Region {
  if (!isWider(view, limits)) return boundsOf(view);
  const { maxRadiusKm, maxSpanKm } = limits;
  if (maxSpanKm <= 2 * maxRadiusKm) return circleAbout(view, maxRadiusKm);
  const { lat, lon } = centreOf(view);
  const height = Math.min(view.north - view.south, (CLAMP * maxSpanKm) / KM_PER_DEGREE);
  const [south, north] = [Math.max(-90, lat - height / 2), Math.min(90, lat + height / 2)];
  const widest = Math.max(0.01, Math.cos((nearestToEquator(south, north) * Math.PI) / 180));
  const width = Math.min(view.east - view.west, 359, (CLAMP * maxSpanKm) / (KM_PER_DEGREE * widest));
  return boundsOf({ south, north, west: lon - width / 2, east: lon + width / 2 });
}

/** Whether the server gives only a part of the view. */
export function isWider(view: View, { maxSpanKm }: RegionLimits): boolean {
  const { height, width } = sizeKm(view);
  return Math.max(height, width) > maxSpanKm;
}

function boundsOf({ south, west, north, east }: View): Region {
  return { bounds: { south_deg: Math.max(south, -90), west_deg: wrapLongitude(west), north_deg: Math.min(north, 90), east_deg: wrapLongitude(east) } };
}

/** A region that every server accepts: bounds that may be too large become a circle about their middle. */
export function narrowed(region: Region, maxRadiusKm: number): Region {
  if ('circle' in region) return region;
  const { south_deg: south, west_deg: west, north_deg: north, east_deg: east } = region.bounds;
  const view = { south, west, north, east: east < west ? east + 360 : east };
  const { height, width } = sizeKm(view);
  return Math.hypot(height, width) <= 2 * maxRadiusKm ? region : circleAbout(view, maxRadiusKm);
}

function centreOf({ south, west, north, east, centre }: View): { lat: number; lon: number } {
  return centre ?? { lat: (south + north) / 2, lon: (west + east) / 2 };
}

function circleAbout(view: View, radius_km: number): Region {
  const { lat, lon } = centreOf(view);
  return { circle: { latitude_deg: lat, longitude_deg: wrapLongitude(lon), radius_km } };
}

/** Height, and width where it is widest. */
function sizeKm({ south, west, north, east }: View): { height: number; width: number } {
  return {
    height: (north - south) * KM_PER_DEGREE,
    width: Math.min(360, east - west) * KM_PER_DEGREE * Math.cos((nearestToEquator(south, north) * Math.PI) / 180),
  };
}

function nearestToEquator(south: number, north: number): number {
  return south <= 0 && north >= 0 ? 0 : Math.min(Math.abs(south), Math.abs(north));
}

const PAD = 0.15;
/** A region that is larger than the view by more than this factor was requested at a smaller zoom. */
const MAX_EXCESS = 2.2;

/** The view with a margin, so that a small move needs no new region. */
export function padded({ south, west, north, east }: View): View {
  const [lat, lon] = [(north - south) * PAD, (east - west) * PAD];
  return { south: Math.max(-90, south - lat), west: west - lon, north: Math.min(90, north + lat), east: east + lon };
}

/** Whether requested bounds still fit the view: the server accepts them, and they contain the full view and not much more. */
export function suits(region: Region, view: View, limits: RegionLimits): boolean {
  if (!('bounds' in region) || isWider(view, limits)) return false;
  const { south_deg, west_deg, north_deg, east_deg } = region.bounds;
  const span = (((east_deg - west_deg) % 360) + 360) % 360;
  const fromWest = (((view.west - west_deg) % 360) + 360) % 360;
  const width = view.east - view.west;
  return view.south >= south_deg && view.north <= north_deg && fromWest + width <= span && span <= width * MAX_EXCESS;
}

/** The parameters of the WebSocket's address for a region. */
export function regionQuery(region: Region): Record<string, string> {
  if ('circle' in region) {
    const { latitude_deg, longitude_deg, radius_km } = region.circle;
    return { lat: latitude_deg.toFixed(5), lon: longitude_deg.toFixed(5), radius: String(radius_km) };
  }
  const { south_deg, west_deg, north_deg, east_deg } = region.bounds;
  return { bounds: [south_deg, west_deg, north_deg, east_deg].map((degrees) => degrees.toFixed(5)).join(',') };
}

/** The same as a field of Subscribe. */
export function regionField(region: Region): Pick<Subscribe, 'circle' | 'bounds'> {
  return region;
}
