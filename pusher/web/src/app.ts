import type { Config } from './config';
import { hooks, type Hooks } from './hooks';
import { Connection } from './live/connection';
import { AirPicture } from './live/picture';
import { ObjectKind } from './live/proto/live.js';
import { padded, regionOf, suits, type Region } from './live/region';
import { Session } from './live/session';
import { Board } from './map/board';
import type { LayerKey } from './map/layers/layer';
import type { Scene } from './map/scene';
import { Air } from './motion/air';
import { Past } from './motion/past';
import type { Selection } from './selection';
import { AlertBanner } from './ui/alerts';
import { Card } from './ui/card';
import { byId, h, setText } from './ui/dom';
import { AircraftList } from './ui/list';
import { StatusChip } from './ui/status';
import { applyTheme, initialTheme, storeTheme } from './ui/theme';
import { tools } from './ui/tools';

/** From so many aircraft on the map is drawn less often, and from there on the time between two drawings, ms. */
const DRAW_STEPS = [[0, 250], [1500, 500], [5000, 1000]] as const;
const PANEL_MS = 500;
const PRUNE_MS = 10_000;
/** A selection from the list is looked at from so near at least. */
const CLOSE_ZOOM = 10.5;

/** The page: what the user does goes in, and every part is shown anew from one scene. */
export class App {
  readonly #air = new Air();
  readonly #past = new Past();
  readonly #picture = new AirPicture((next) => this.#air.observe(next, Date.now()));
  readonly #session = new Session(this.#picture);
  readonly #connection = new Connection(this.#session, socketUrl());
  readonly #hidden = new Set<LayerKey>(['receivers']);
  readonly #followed = new Set<number>();
  readonly #board: Board;
  readonly #list: AircraftList;
  readonly #card: Card;
  readonly #alerts: AlertBanner;
  readonly #status = new StatusChip();
  readonly #count = h('span', { class: 'count' });
  readonly #stale = h('p', { class: 'banner stale', role: 'status', hidden: true });
  readonly #hint = h('p', { class: 'banner hint', hidden: true });
  /** What was last asked for. */
  #region: Region | undefined;
  #selection: Selection | undefined;
  /** The device that the map keeps in the middle. */
  #camera: number | undefined;
  #theme = initialTheme();
  #panelAt = 0;
  #pruneAt = 0;

  constructor(config: Config) {
    applyTheme(this.#theme);
    this.#board = new Board({
      ...config,
      container: byId('map'),
      theme: this.#theme,
      hidden: this.#hidden,
      onView: () => this.#subscribe(),
      onPick: (selection) => this.#select(selection),
    });
    this.#list = new AircraftList((selection) => this.#select(selection, true), () => this.#showPanel());
    this.#card = new Card(byId('card'), {
      close: () => this.#select(undefined),
      follow: (device) => this.#toggleFollow(device),
      goTo: (lon, lat) => this.#board.goTo(lon, lat, CLOSE_ZOOM),
    });
    this.#alerts = new AlertBanner((alert, place) => {
      this.#select({ kind: 'device', device: alert.device });
      if (place) this.#board.goTo(place.lon, place.lat, CLOSE_ZOOM);
    });
    this.#furnish();
    this.#board.map.on('dragstart', () => { this.#camera = undefined; });
    this.#subscribe();
    this.#run();
  }

  get hooks(): Hooks {
    return hooks(this.#session, this.#picture, this.#board, this.#past);
  }

  #furnish(): void {
    const title = h('h1', {}, h('img', { src: './favicon.svg', alt: '', width: 26, height: 26 }), 'Updraft', this.#count);
    const toggleList = () => { byId('panel').classList.toggle('open'); };
    // On a small screen the header is the handle of the sheet; elsewhere the class changes nothing.
    byId('panel').append(h('header', { onclick: toggleList }, title, this.#status.element), this.#list.element);
    byId('banners').append(this.#alerts.element, this.#stale, this.#hint);
    byId('tools').append(...tools(this.#hidden, {
      setVisible: (key, visible) => this.#setVisible(key, visible),
      toggleTheme: () => this.#toggleTheme(),
      toggleList,
    }));
    addEventListener('keydown', (event) => this.#pressed(event));
  }

  #pressed(event: KeyboardEvent): void {
    if (event.key === 'Escape') this.#select(undefined);
    if (event.key !== '/' || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    byId('panel').classList.add('open');
    this.#list.focusSearch();
  }

  #run(): void {
    this.#draw();
    const interval = DRAW_STEPS.findLast(([from]) => this.#picture.aircraft.size >= from)?.[1] ?? DRAW_STEPS[0][1];
    setTimeout(() => requestAnimationFrame(() => this.#run()), interval);
  }

  #draw(): void {
    const scene = this.#scene();
    this.#board.draw(scene);
    this.#keepInMiddle(scene);
    if (scene.now - this.#panelAt >= PANEL_MS) this.#showPanel();
    if (scene.now - this.#pruneAt < PRUNE_MS) return;
    this.#pruneAt = scene.now;
    this.#air.prune((device) => this.#picture.aircraft.get(device) !== undefined, scene.now);
  }

  #scene(): Scene {
    return { picture: this.#picture, air: this.#air, now: Date.now(), selection: this.#selection, followed: this.#followed, past: this.#past };
  }

  #showPanel(): void {
    const scene = this.#scene();
    this.#panelAt = scene.now;
    this.#past.want(scene.selection?.kind === 'device' ? scene.selection.device : undefined, scene.now);
    // The server may have told new limits.
    this.#subscribe();
    this.#list.show(scene, this.#board.view);
    this.#card.show(scene);
    this.#alerts.update(scene);
    this.#status.show(this.#session, scene.now);
    setText(this.#count, this.#picture.aircraft.size === 0 ? '' : String(this.#picture.aircraft.size));
    document.title = this.#picture.aircraft.size === 0 ? 'Updraft' : `Updraft · ${this.#picture.aircraft.size}`;
    this.#showBanners(scene.now);
  }

  #showBanners(now: number): void {
    const { status, lastError, regionLimits } = this.#session;
    this.#stale.hidden = !this.#session.isStale(now);
    setText(this.#stale, status === 'waiting' || status === 'connecting'
      ? 'The connection is lost. What you see gets older.'
      : 'The server has no fresh data. What you see gets older.');
    const clamped = 'circle' in regionOf(this.#board.view, regionLimits);
    this.#hint.hidden = !clamped && lastError === undefined;
    setText(this.#hint, lastError ?? `Live within ${Math.round(regionLimits.maxRadiusKm)} km of the middle. Zoom in to see all of the view.`);
  }

  #subscribe(): void {
    const view = this.#board.view;
    const limits = this.#session.regionLimits;
    if (!this.#region || !suits(this.#region, view, limits)) {
      const wide = regionOf(padded(view), limits);
      this.#region = 'bounds' in wide ? wide : regionOf(view, limits);
      this.#board.showRegion(this.#region);
    }
    this.#connection.want({ region: this.#region, kinds: this.#kinds(), follow: [...this.#followed] });
  }

  #kinds(): ObjectKind[] {
    const byLayer: [LayerKey, ObjectKind][] = [
      ['aircraft', ObjectKind.OBJECT_KIND_AIRCRAFT], ['ground', ObjectKind.OBJECT_KIND_GROUND], ['thermals', ObjectKind.OBJECT_KIND_THERMAL],
      ['stations', ObjectKind.OBJECT_KIND_STATION], ['receivers', ObjectKind.OBJECT_KIND_RECEIVER],
    ];
    // Nobody can switch off a distress call.
    return [...byLayer.filter(([key]) => !this.#hidden.has(key)).map(([, kind]) => kind), ObjectKind.OBJECT_KIND_ALERT];
  }

  #select(selection: Selection | undefined, show = false): void {
    this.#selection = selection;
    if (show && selection?.kind === 'device') {
      const aircraft = this.#picture.aircraft.get(selection.device);
      if (aircraft) this.#board.goTo(aircraft.lon, aircraft.lat, CLOSE_ZOOM);
      byId('panel').classList.remove('open');
    }
    this.#showPanel();
  }

  #toggleFollow(device: number): void {
    if (this.#followed.delete(device)) {
      if (this.#camera === device) this.#camera = undefined;
    } else {
      const oldest = this.#followed.size >= this.#session.maxFollowed ? this.#followed.values().next().value : undefined;
      if (oldest !== undefined) this.#followed.delete(oldest);
      this.#followed.add(device);
      this.#camera = device;
    }
    this.#subscribe();
    this.#showPanel();
  }

  #keepInMiddle({ now }: Scene): void {
    const aircraft = this.#camera === undefined ? undefined : this.#picture.aircraft.get(this.#camera);
    if (!aircraft || this.#board.map.isZooming()) return;
    const { lon, lat } = this.#air.whereNow(aircraft, now);
    this.#board.map.easeTo({ center: [lon, lat], duration: DRAW_STEPS[0][1], easing: (t) => t });
  }

  #setVisible(key: LayerKey, visible: boolean): void {
    if (visible) this.#hidden.delete(key);
    else this.#hidden.add(key);
    this.#board.setVisible(key, visible);
    this.#subscribe();
  }

  #toggleTheme(): void {
    this.#theme = this.#theme === 'dark' ? 'light' : 'dark';
    storeTheme(this.#theme);
    applyTheme(this.#theme);
    this.#board.setTheme(this.#theme);
  }
}

/** Beside the page, wherever that is served. */
function socketUrl(): string {
  const url = new URL('./ws/v1/updates', location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.search = url.hash = '';
  return url.href;
}
