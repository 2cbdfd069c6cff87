import { formatAddress } from '../live/address';
import type { Scene } from '../map/scene';
import { aircraftKind } from '../map/symbols/aircraft';
import { groundKind } from '../map/symbols/ground';
import { isSameSelection, type Selection } from '../selection';
import { h, setText } from './dom';
import { fetchDevice, type DeviceView } from './device-view';
import { aircraftFacts, deviceFacts, groundFacts, phaseLabel, receiverFacts, stationFacts, thermalFacts, type Facts } from './facts';
import { Profile } from './profile';
import { PAST_FILES, trackUrl } from '../motion/past';

/** The server is asked again after this time, ms. */
const REFRESH_MS = 20_000;

interface Content {
  title: string;
  subtitle: string;
  facts: Facts;
  /** Of the device that can be followed. */
  device?: number;
  place?: { lat: number; lon: number };
}

export interface CardActions {
  close: () => void;
  follow: (device: number) => void;
  goTo: (lon: number, lat: number) => void;
}

/** The details of what is selected. */
export class Card {
  readonly #element: HTMLElement;
  readonly #title = h('h2');
  readonly #subtitle = h('p', { class: 'subtitle' });
  readonly #facts = h('dl');
  readonly #profile = new Profile();
  readonly #follow = h('button', { type: 'button', class: 'action primary' });
  readonly #files = PAST_FILES.map((format) => ({ format, link: h('a', { class: 'file', download: true }, format.toUpperCase()) }));
  readonly #track = h('nav', { class: 'files', 'aria-label': 'Download the track' }, 'Track, 12 h', ...this.#files.map(({ link }) => link));
  readonly #show = h('button', { type: 'button', class: 'action' }, 'Show on map');
  #selection: Selection | undefined;
  #view: DeviceView | undefined;
  #askedAt = 0;
  #content: Content | undefined;

  constructor(element: HTMLElement, actions: CardActions) {
    this.#element = element;
    const close = h('button', { type: 'button', class: 'close', 'aria-label': 'Close the details', onclick: actions.close }, '×');
    this.#follow.addEventListener('click', () => {
      if (this.#content?.device !== undefined) actions.follow(this.#content.device);
    });
    this.#show.addEventListener('click', () => {
      if (this.#content?.place) actions.goTo(this.#content.place.lon, this.#content.place.lat);
    });
    element.append(h('header', {}, h('div', {}, this.#title, this.#subtitle), close));
    element.append(this.#profile.element);
    element.append(this.#facts, this.#track, h('footer', {}, this.#follow, this.#show));
  }

  show(scene: Scene): void {
    const { selection, now } = scene;
    if (!isSameSelection(selection, this.#selection)) {
      this.#selection = selection;
      this.#view = undefined;
      this.#content = undefined;
      this.#askedAt = 0;
    }
    this.#element.hidden = selection === undefined;
    if (!selection) return;
    if ('device' in selection && now - this.#askedAt > REFRESH_MS) this.#ask(selection, now);
    this.#content = contentOf(selection, scene, this.#view) ?? (this.#content && goneContent(this.#content)) ?? unknownContent(selection);
    this.#render(this.#content, scene);
  }

  #ask(selection: Selection & { device: number }, now: number): void {
    this.#askedAt = now;
    void fetchDevice(formatAddress(selection.device)).then((view) => {
      if (isSameSelection(selection, this.#selection) && view) this.#view = view;
    });
  }

  #render({ title, subtitle, facts, device, place }: Content, { air, followed }: Scene): void {
    setText(this.#title, title);
    setText(this.#subtitle, subtitle);
    this.#profile.show(device === undefined ? [] : air.trails.of(device));
    this.#renderFacts(facts);
    this.#follow.hidden = device === undefined;
    this.#show.hidden = place === undefined;
    this.#track.hidden = device === undefined;
    for (const { format, link } of this.#files) {
      const url = device === undefined ? '' : trackUrl(device, format);
      if (link.getAttribute('href') !== url) link.setAttribute('href', url);
    }
    const following = device !== undefined && followed.has(device);
    this.#follow.setAttribute('aria-pressed', String(following));
    setText(this.#follow, following ? 'Following' : 'Follow');
  }

  /** Keeps the elements while the labels stay the same. */
  #renderFacts(facts: Facts): void {
    const labels = facts.map(([label]) => label).join();
    if (this.#facts.dataset.labels !== labels) {
      this.#facts.dataset.labels = labels;
      this.#facts.replaceChildren(...facts.map(([label]) => h('div', { class: `fact ${isWide(label) ? 'wide' : ''}` }, h('dt', {}, label), h('dd'))));
    }
    for (const [index, [, text]] of facts.entries()) {
      const value = this.#facts.children[index]?.lastElementChild;
      if (value) setText(value, text);
    }
  }
}

function isWide(label: string): boolean {
  return label === 'Position' || label === 'Heard by' || label === 'Manufacturer' || label === 'How known';
}

function contentOf(selection: Selection, { picture, air, now }: Scene, view: DeviceView | undefined): Content | undefined {
  switch (selection.kind) {
    case 'device': {
      const { device } = selection;
      const aircraft = picture.aircraft.get(device);
      if (aircraft) {
        const estimate = air.whereNow(aircraft, now);
        const phase = phaseLabel(aircraft.phase);
        return {
          title: aircraft.name ?? formatAddress(device), subtitle: [aircraftKind(aircraft.kind).label, phase].filter(Boolean).join(' · '),
          facts: [...aircraftFacts(aircraft, estimate, now), ...deviceFacts(device, view)], device, place: estimate,
        };
      }
      const ground = picture.ground.get(device);
      return ground && {
        title: ground.name ?? formatAddress(device), subtitle: groundKind(ground.kind).label,
        facts: [...groundFacts(ground, now), ...deviceFacts(device, view)], device, place: ground,
      };
    }
    case 'station': {
      const station = picture.stations.get(selection.device);
      return station && {
        title: station.name ?? formatAddress(station.device), subtitle: 'Weather station',
        facts: [...stationFacts(station, now), ...deviceFacts(station.device, view)], place: station,
      };
    }
    case 'thermal': {
      const thermal = picture.thermals.get(selection.id);
      return thermal && { title: 'Thermal', subtitle: 'Reported or circled in', facts: thermalFacts(thermal, now), place: thermal };
    }
    case 'receiver': {
      const receiver = picture.receivers.get(selection.id);
      if (!receiver) return undefined;
      const { lat, lon } = receiver;
      return {
        title: receiver.id, subtitle: 'Receiver', facts: receiverFacts(receiver, now),
        ...(lat !== undefined && lon !== undefined && { place: { lat, lon } }),
      };
    }
  }
}

function goneContent(content: Content): Content {
  return { ...content, subtitle: 'Not in the air picture any more' };
}

function unknownContent(selection: Selection): Content {
  return { title: 'device' in selection ? formatAddress(selection.device) : selection.id, subtitle: 'Not in the air picture', facts: [] };
}
