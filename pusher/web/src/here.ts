import { bearingDeg, distanceKm, type Position } from 'updraft-client';
import { formatCourse, type Formats } from './settings/formats';

/** The user's position, once they have requested it. It never leaves the page. */
export class Here {
  #position: Position | undefined;
  #watch: number | undefined;

  get position(): Position | undefined {
    return this.#position;
  }

  /** Watches the position that the browser reports. `found` is called with each one, the first of a request apart; `denied` when there is none. */
  locate(found: (position: Position, first: boolean) => void, denied: () => void): void {
    if (this.#position) return found(this.#position, true);
    if (!('geolocation' in navigator)) return denied();
    if (this.#watch !== undefined) navigator.geolocation.clearWatch(this.#watch);
    let first = true;
    this.#watch = navigator.geolocation.watchPosition(({ coords }) => {
      this.#position = { lat: coords.latitude, lon: coords.longitude };
      found(this.#position, first);
      first = false;
    }, denied, { enableHighAccuracy: true, maximumAge: 30_000 });
  }

  /** `12.3 km, 45° NE`. */
  distanceTo({ lat, lon }: Position, formats: Formats): string | undefined {
    if (!this.#position) return undefined;
    const { lat: fromLat, lon: fromLon } = this.#position;
    return `${formats.distance(distanceKm(fromLat, fromLon, lat, lon))}, ${formatCourse(bearingDeg(fromLat, fromLon, lat, lon))}`;
  }
}
