import { Marker, type Map as MapLibre } from 'maplibre-gl';
import { AlertStatus, type AirPicture, type Alert } from 'updraft-client';
import { isDistress, positionOf } from '../live/alerts';
import { t } from '../settings/language';
import type { Selection } from '../selection';

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
      const position = isDistress(alert) ? positionOf(alert, picture) : undefined;
      if (!position) continue;
      shown.add(alert.id);
      const marker = this.#markers.get(alert.id) ?? this.#add(alert);
      marker.setLngLat([position.lon, position.lat]);
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
    element.setAttribute('aria-label', t('alert.distress'));
    element.addEventListener('click', (event) => {
      event.stopPropagation();
      this.#pick({ kind: 'device', device: alert.device });
    });
    const marker = new Marker({ element });
    this.#markers.set(alert.id, marker);
    return marker;
  }
}
