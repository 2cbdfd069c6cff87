import { Marker, type Map as MapLibre } from 'maplibre-gl';
import { AlertKind, AlertStatus } from '../live/proto/live.js';
import type { Alert } from '../live/objects';
import type { AirPicture } from '../live/picture';
import type { Selection } from '../selection';

const CALM: readonly number[] = [AlertKind.ALERT_KIND_NEED_RIDE, AlertKind.ALERT_KIND_NEED_TECHNICAL_SUPPORT];

/** True for alerts that somebody's health may hang on. */
export function isDistress(alert: Alert): boolean {
  return alert.status !== AlertStatus.ALERT_STATUS_RESOLVED && !CALM.includes(alert.kind);
}

/** Where an alert is: its own place, else where its device is. */
export function placeOf(alert: Alert, picture: AirPicture): { lat: number; lon: number } | undefined {
  const device = picture.ground.get(alert.device) ?? picture.aircraft.get(alert.device);
  if (device) return device;
  return alert.lat === undefined || alert.lon === undefined ? undefined : { lat: alert.lat, lon: alert.lon };
}

/** The pulsing marks of distress, above everything else on the map. */
export class Beacons {
  readonly #markers = new Map<string, Marker>();
  readonly #map: MapLibre;
  readonly #pick: (selection: Selection) => void;

  constructor(map: MapLibre, pick: (selection: Selection) => void) {
    this.#map = map;
    this.#pick = pick;
  }

  draw(picture: AirPicture): void {
    const shown = new Set<string>();
    for (const alert of picture.alerts.values()) {
      const place = isDistress(alert) ? placeOf(alert, picture) : undefined;
      if (!place) continue;
      shown.add(alert.id);
      const marker = this.#markers.get(alert.id) ?? this.#add(alert);
      marker.setLngLat([place.lon, place.lat]);
      marker.getElement().classList.toggle('acknowledged', alert.status === AlertStatus.ALERT_STATUS_ACKNOWLEDGED);
      if (!marker.getElement().isConnected) marker.addTo(this.#map);
    }
    for (const [id, marker] of this.#markers) {
      if (shown.has(id)) continue;
      marker.remove();
      this.#markers.delete(id);
    }
  }

  #add(alert: Alert): Marker {
    const element = document.createElement('button');
    element.className = 'beacon';
    element.setAttribute('aria-label', 'Distress call');
    element.addEventListener('click', (event) => {
      event.stopPropagation();
      this.#pick({ kind: 'device', device: alert.device });
    });
    const marker = new Marker({ element });
    this.#markers.set(alert.id, marker);
    return marker;
  }
}
