// The content of the details of a selection.
import { formatAddress, type Position } from 'updraft-client';
import type { Scene } from '../map/scene';
import { aircraftKind } from '../map/symbols/aircraft';
import { groundKind } from '../map/symbols/ground';
import type { Selection } from '../selection';
import { t } from '../settings/language';
import type { DeviceView } from './device-view';
import { aircraftFacts, callFacts, deviceFacts, groundFacts, phaseLabel, landmarkFacts, landmarkLabel, receiverFacts, stationFacts, thermalFacts, type Fact } from './facts';

export interface Content {
  title: string;
  subtitle: string;
  facts: Fact[];
  /** Of the device that can be followed. */
  device?: number;
  /** The last known one. */
  position?: Position;
}

/** `view`: further data of the device from the server. Returns undefined if it is not in the air picture. */
export function contentOf(selection: Selection, scene: Scene, view: DeviceView | undefined): Content | undefined {
  const { picture, air, now } = scene;
  switch (selection.kind) {
    case 'device': {
      const { device } = selection;
      const more = () => [...callFacts(device, scene), ...deviceFacts(device, view, scene)];
      const aircraft = picture.aircraft.get(device);
      if (aircraft) {
        return {
          title: aircraft.name ?? formatAddress(device), subtitle: [aircraftKind(aircraft.kind).label(), phaseLabel(aircraft.phase)].filter(Boolean).join(' · '),
          facts: [...aircraftFacts(aircraft, air.whereNow(aircraft, now), scene), ...more()], device, position: aircraft,
        };
      }
      const ground = picture.ground.get(device);
      return ground && {
        title: ground.name ?? formatAddress(device), subtitle: groundKind(ground.kind).label(),
        facts: [...callFacts(device, scene), ...groundFacts(ground, scene), ...deviceFacts(device, view, scene)], device, position: ground,
      };
    }
    case 'station': {
      const station = picture.stations.get(selection.device);
      return station && {
        title: station.name ?? formatAddress(station.device), subtitle: t('card.station'),
        facts: [...stationFacts(station, scene), ...deviceFacts(station.device, view, scene)], position: station,
      };
    }
    case 'thermal': {
      const thermal = picture.thermals.get(selection.id);
      return thermal && { title: t('card.thermal'), subtitle: t('card.thermal.how'), facts: thermalFacts(thermal, scene), position: thermal };
    }
    case 'landmark': {
      const landmark = picture.landmarks.get(selection.id);
      return landmark && {
        title: landmark.text ?? landmarkLabel(landmark.layer), subtitle: landmarkLabel(landmark.layer), facts: landmarkFacts(landmark, scene), position: landmark,
      };
    }
    case 'receiver': {
      const receiver = picture.receivers.get(selection.id);
      if (!receiver) return undefined;
      const { lat, lon } = receiver;
      return {
        title: receiver.id, subtitle: t('card.receiver'), facts: receiverFacts(receiver, scene),
        ...(lat !== undefined && lon !== undefined && { position: { lat, lon } }),
      };
    }
  }
}

/** For an object that has left the air picture. */
export function endedContent(content: Content): Content {
  return { ...content, subtitle: t('card.gone') };
}

export function unknownContent(selection: Selection): Content {
  const device = selection.kind === 'device' ? { device: selection.device } : {};
  return { title: 'device' in selection ? formatAddress(selection.device) : selection.id, subtitle: t('card.unknown'), facts: [], ...device };
}
