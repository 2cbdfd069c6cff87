// The content of the details of a selection.
import { formatAddress, type Aircraft, type Alert, type Ground, type Landmark, type Position, type Receiver, type Station, type Thermal } from 'updraft-client';
import { callOf, positionOf } from '../live/alerts';
import { windOf, type Wind } from '../live/winds';
import type { Scene } from '../map/scene';
import { aircraftKind } from '../map/symbols/aircraft';
import { groundKind } from '../map/symbols/ground';
import type { Selection } from '../selection';
import { t } from '../settings/language';
import { alertLabel, callerOf } from './calls';
import type { DeviceView } from './device-view';
import { aircraftFacts, callFacts, callerFacts, deviceFacts, groundFacts, lastFacts, phaseLabel, landmarkFacts, landmarkLabel, receiverFacts, stationFacts, thermalFacts, windFacts, type Fact } from './facts';

export interface Content {
  title: string;
  subtitle: string;
  facts: Fact[];
  /** Of the device that can be followed. */
  device?: number;
  /** The last known one. */
  position?: Position;
}

/** The object of a selection, as the air picture has or had it. */
export type Found =
  | { kind: 'aircraft'; object: Aircraft } | { kind: 'ground'; object: Ground } | { kind: 'call'; object: Alert } | { kind: 'station'; object: Station }
  | { kind: 'thermal'; object: Thermal } | { kind: 'landmark'; object: Landmark } | { kind: 'receiver'; object: Receiver } | { kind: 'wind'; object: Wind };

/** Undefined: it is not in the air picture. A call outlives the state of its device, and passes a layer that is off. */
export function find(selection: Selection, { picture, winds, windBand, isLive }: Scene): Found | undefined {
  switch (selection.kind) {
    case 'device': {
      const { device } = selection;
      return found('aircraft', picture.aircraft.get(device)) ?? found('ground', picture.ground.get(device)) ?? found('call', callOf(device, picture));
    }
    case 'station': return found('station', picture.stations.get(selection.device));
    case 'thermal': return found('thermal', picture.thermals.get(selection.id));
    case 'landmark': return found('landmark', picture.landmarks.get(selection.id));
    // The past has no winds.
    case 'wind': return found('wind', isLive ? windOf(selection.id, winds, windBand) : undefined);
    case 'receiver': return found('receiver', picture.receivers.get(selection.id));
  }
}

function found<K, T>(kind: K, object: T | undefined): { kind: K; object: T } | undefined {
  return object && { kind, object };
}

/** `view`: further data of the device from the server. */
export function contentOf({ kind, object }: Found, scene: Scene, view: DeviceView | undefined): Content {
  const { picture, air, now } = scene;
  switch (kind) {
    case 'aircraft': {
      const { device } = object;
      return {
        title: object.name ?? formatAddress(device), subtitle: [aircraftKind(object.kind).label(), phaseLabel(object.phase)].filter(Boolean).join(' · '),
        facts: [...aircraftFacts(object, air.whereNow(object, now), scene), ...callFacts(device, scene), ...deviceFacts(device, view, scene)], device, position: object,
      };
    }
    case 'ground': {
      const { device } = object;
      return {
        title: object.name ?? formatAddress(device), subtitle: groundKind(object.kind).label(),
        facts: [...callFacts(device, scene), ...groundFacts(object, scene), ...deviceFacts(device, view, scene)], device, position: object,
      };
    }
    case 'call': {
      const { device } = object;
      const position = positionOf(object, picture);
      return {
        title: callerOf(object), subtitle: alertLabel(object.kind),
        facts: [...callFacts(device, scene), ...callerFacts(object, scene), ...deviceFacts(device, view, scene)], device, ...(position && { position }),
      };
    }
    case 'station':
      return {
        title: object.name ?? formatAddress(object.device), subtitle: t('card.station'),
        facts: [...stationFacts(object, scene), ...deviceFacts(object.device, view, scene)], position: object,
      };
    case 'thermal':
      return { title: t('card.thermal'), subtitle: t('card.thermal.how'), facts: thermalFacts(object, scene), position: object };
    case 'landmark':
      return { title: object.text ?? landmarkLabel(object.layer), subtitle: landmarkLabel(object.layer), facts: landmarkFacts(object, scene), position: object };
    case 'wind':
      return { title: t('layer.winds'), subtitle: t('legend.windAloft'), facts: windFacts(object, scene), position: object };
    case 'receiver': {
      const { lat, lon } = object;
      return {
        title: object.id, subtitle: t('card.receiver'), facts: receiverFacts(object, scene), ...(lat !== undefined && lon !== undefined && { position: { lat, lon } }),
      };
    }
  }
}

/** Of an object that has left the air picture: its last facts, whose ages go on. */
export function endedContent(last: Found, scene: Scene, view: DeviceView | undefined): Content {
  return { ...contentOf(last, scene, view), subtitle: t('card.gone') };
}

/** Of a device that the air picture does not have: the end of its recorded track. */
export function unknownContent(selection: Selection, scene: Scene): Content {
  const content = { title: 'device' in selection ? formatAddress(selection.device) : selection.id, subtitle: t('card.unknown'), facts: [] };
  if (selection.kind !== 'device') return content;
  const { device } = selection;
  const last = scene.isLive ? scene.past.segments.at(-1)?.at(-1) : undefined;
  return { ...content, device, ...(last && { facts: lastFacts(last, scene), position: last }) };
}
