import type { Bounds, Circle, Subscribe } from './proto/live.js';

/** What a client asks to see of the sky. */
export type Region = { bounds: Bounds } | { circle: Circle };

/** What the map shows, longitudes not wrapped: west is always below east. */
export interface View {
  south: number;
  west: number;
  north: number;
  east: number;
  /** What is in the middle of the screen, which is not the middle latitude; absent: the middle of the bounds. */
  centre?: { lat: number; lon: number };
}

const EARTH_RADIUS_KM = 6371;
const KM_PER_DEGREE = 111.195;

/** Great-circle distance. */
export function distanceKm(lat1: number, lon1: number, lat2: number, lon2: number): number {
  const rad = Math.PI / 180;
  const a = Math.sin(((lat2 - lat1) * rad) / 2) ** 2
    + Math.cos(lat1 * rad) * Math.cos(lat2 * rad) * Math.sin(((lon2 - lon1) * rad) / 2) ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(a)));
}

/** Brings any longitude into -180 to 180. */
export function wrapLongitude(lon: number): number {
  if (lon >= -180 && lon <= 180) return lon;
  const wrapped = ((((lon + 180) % 360) + 360) % 360) - 180;
  return wrapped === -180 && lon > 0 ? 180 : wrapped;
}

/** What the server gives in one subscription. */
export interface RegionLimits {
  /** Of a circle. */
  maxRadiusKm: number;
  /** From south to north and from west to east of bounds. */
  maxSpanKm: number;
}

/** The region for a view: its bounds, or the largest circle about its centre when that is all the server gives. */
export function regionOf(view: View, { maxRadiusKm, maxSpanKm }: RegionLimits): Region {
  const { height, width } = sizeKm(view);
  if (Math.max(height, width) > maxSpanKm) return circleAbout(view, maxRadiusKm);
  return {
    bounds: {
      south_deg: Math.max(view.south, -90),
      west_deg: wrapLongitude(view.west),
      north_deg: Math.min(view.north, 90),
      east_deg: wrapLongitude(view.east),
    },
  };
}

/** A region that every server gives: bounds that may be too large become a circle about their middle. */
export function narrowed(region: Region, maxRadiusKm: number): Region {
  if ('circle' in region) return region;
  const { south_deg: south, west_deg: west, north_deg: north, east_deg: east } = region.bounds;
  const view = { south, west, north, east: east < west ? east + 360 : east };
  const { height, width } = sizeKm(view);
  return Math.hypot(height, width) <= 2 * maxRadiusKm ? region : circleAbout(view, maxRadiusKm);
}

function circleAbout({ south, west, north, east, centre }: View, radius_km: number): Region {
  const { lat, lon } = centre ?? { lat: (south + north) / 2, lon: (west + east) / 2 };
  return { circle: { latitude_deg: lat, longitude_deg: wrapLongitude(lon), radius_km } };
}

/** Height, and width where it is widest. */
function sizeKm({ south, west, north, east }: View): { height: number; width: number } {
  const nearest = south <= 0 && north >= 0 ? 0 : Math.min(Math.abs(south), Math.abs(north));
  return {
    height: (north - south) * KM_PER_DEGREE,
    width: Math.min(360, east - west) * KM_PER_DEGREE * Math.cos((nearest * Math.PI) / 180),
  };
}

const PAD = 0.15;
/** A region that is larger than the view by more than this was asked for from farther away. */
const MAX_EXCESS = 2.2;

/** The view with a margin, so that a small move needs no new region. */
export function padded({ south, west, north, east }: View): View {
  const [lat, lon] = [(north - south) * PAD, (east - west) * PAD];
  return { south: Math.max(-90, south - lat), west: west - lon, north: Math.min(90, north + lat), east: east + lon };
}

/** Whether bounds that were asked for still suit the view: the server gives them, and they hold all of it and not much more. */
export function suits(region: Region, view: View, limits: RegionLimits): boolean {
  if (!('bounds' in region) || !('bounds' in regionOf(view, limits))) return false;
  const { south_deg, west_deg, north_deg, east_deg } = region.bounds;
  const span = (((east_deg - west_deg) % 360) + 360) % 360;
  const fromWest = (((view.west - west_deg) % 360) + 360) % 360;
  const width = view.east - view.west;
  return view.south >= south_deg && view.north <= north_deg && fromWest + width <= span && span <= width * MAX_EXCESS;
}

/** The parameters of the WebSocket's address that ask for a region. */
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
