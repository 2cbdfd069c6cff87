import { Marker, type Map as MapLibre } from 'maplibre-gl';
import { AlertStatus, type AirPicture, type Alert } from 'updraft-client';
import { isDistress, isOpen, positionOf } from '../live/alerts';
import { t } from '../settings/language';
import type { Selection } from '../selection';
import { alertLabel, callerOf } from '../ui/calls';
import { h } from '../ui/dom';
import { symbolUrl } from '../ui/icon';
import type { LayerKey } from './layers/layer';
import { symbolId } from './symbols/resolve';

/** The marks of open calls above everything else on the map: distress pulses; another call has its symbol where no layer draws its device. */
export class Beacons {
  readonly #markers = new Map<string, Marker>();
  readonly #map: MapLibre;
  readonly #pick: (selection: Selection) => void;

  constructor(map: MapLibre, pick: (selection: Selection) => void) {
    this.#map = map;
    this.#pick = pick;
  }

  draw(picture: AirPicture, hidden: ReadonlySet<LayerKey>): void {
    const shown = new Set<string>();
    for (const alert of picture.alerts.values()) {
      const drawn = !hidden.has('ground') && picture.ground.get(alert.device) || !hidden.has('aircraft') && picture.aircraft.get(alert.device);
      const position = isOpen(alert) && (isDistress(alert) || !drawn) ? positionOf(alert, picture) : undefined;
      if (!position) continue;
      shown.add(alert.id);
      const marker = this.#markers.get(alert.id) ?? this.#add(alert);
      marker.setLngLat([position.lon, position.lat]);
      label(marker.getElement(), alert);
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
    element.addEventListener('click', (event) => {
      event.stopPropagation();
      this.#pick({ kind: 'device', device: alert.device });
    });
    const marker = new Marker({ element });
    this.#markers.set(alert.id, marker);
    return marker;
  }
}

/** A call may change: its kind, or that the name of its device is known. */
function label(element: HTMLElement, alert: Alert): void {
  const text = t('announce.alert', { kind: alertLabel(alert.kind), who: callerOf(alert) });
  if (element.getAttribute('aria-label') === text) return;
  element.setAttribute('aria-label', text);
  element.classList.toggle('calm', !isDistress(alert));
  element.replaceChildren(...(isDistress(alert) ? [] : [h('img', { src: symbolUrl(symbolId.ground(alert.kind)), alt: '' })]));
}
