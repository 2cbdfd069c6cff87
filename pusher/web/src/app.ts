import { AirPicture, Connection, Session, isWider, padded, regionOf, socketUrl, suits, type Position, type Region } from 'updraft-client';
import { readState, writeState } from './address-bar';
import { baseMapsOf, firstBaseMap, type BaseMap, type Config } from './config';
import { THEMES, type Theme } from './basemap/theme';
import { FollowedEvents } from './followed-events';
import { coloursOf, withMember, withoutMember, type Group } from './group';
import { Here } from './here';
import { Line } from './line';
import { hooks, type Hooks } from './hooks';
import { ReceiverReports } from './live/receiver-reports';
import { Winds } from './live/winds';
import { Zones } from './live/zones';
import { Board } from './map/board';
import { kindsWithout } from './map/kinds';
import type { LayerKey } from './map/layers/layer';
import type { Scene } from './map/scene';
import { COLOUR_SCALES, type ColourScale } from './map/symbols/colour';
import { Air } from './motion/air';
import { Flights, type PastFlight } from './motion/flights';
import { aroundTime, Past } from './motion/past';
import { Notifier } from './notifier';
import { isSameSelection, type Selection } from './selection';
import { Favourites } from './settings/favourites';
import { Formats } from './settings/formats';
import { t } from './settings/language';
import { storePreferences, type Preferences } from './settings/preferences';
import type { DataView, DeviceSubject } from './data/data-view';
import { isPresent, Travel } from './travel/travel';
import { AlertBanner } from './ui/alerts';
import { countRequests, DataUseLine } from './ui/data-use';
import { Announcer } from './ui/announcer';
import { Card } from './ui/card';
import type { Compare } from './ui/compare';
import type { SilentView } from './ui/silent';
import { byId, h, setText } from './ui/dom';
import type { Filter } from './ui/filter';
import { GroupPanel } from './ui/group-panel';
import { isTyping, keyHelp } from './ui/keys';
import { legend } from './ui/legend';
import { ObjectList } from './ui/list';
import { OutageBanner } from './ui/outage';
import { layerPanel, settingsPanel } from './ui/panels';
import { StatusChip } from './ui/status';
import { TravelBar } from './ui/travel-bar';
import { applyTheme, systemTheme } from './ui/theme';
import { Tools } from './ui/tools';

/** From this number of aircraft on, the map is drawn less often, with this time between two drawings, ms. */
const DRAW_STEPS = [[0, 250], [1500, 500], [5000, 1000]] as const;
/** While the past is played, it is drawn so often, ms. */
const PLAY_STEP_MS = 100;
const PANEL_MS = 500;
const PRUNE_MS = 10_000;
/** The smallest zoom at which a selection from the list is shown. */
const CLOSE_ZOOM = 10.5;
/** In a wider view reports of receivers, winds and zones are not loaded. */
const MAX_REPORT_SPAN_DEG = 20;
/** The band of winds that is shown unless the user chooses: its lowest altitude, metres. */
const FIRST_WIND_BAND_M = 2000;
/** How long a short notice stays on the page, ms. */
const HINT_MS = 6000;
/** Where playing begins when the map is live, ms before now. */
const REPLAY_MS = 15 * 60_000;
/** While the past is played, the address follows so often, ms; while the user drags the slider, so often: browsers count its changes. */
const ADDRESS_MS = 5000;
const ADDRESS_REST_MS = 500;

/** The page: takes the user's input and draws every part from one scene. */
export class App {
  readonly #air = new Air();
  readonly #past = new Past();
  readonly #flights = new Flights();
  readonly #receivers = new ReceiverReports();
  readonly #winds = new Winds();
  readonly #zones = new Zones();
  readonly #picture = new AirPicture((next) => this.#air.observe(next, Date.now()));
  readonly #session = new Session(this.#picture);
  readonly #connection = new Connection(this.#session, socketUrl(), { onMessage: () => this.#watch() });
  readonly #line: Line;
  readonly #dataUse = new DataUseLine();
  readonly #here = new Here();
  readonly #config: Config;
  readonly #preferences: Preferences;
  readonly #language: string;
  readonly #hidden: Set<LayerKey>;
  readonly #followed: Set<number>;
  readonly #favourites = new Favourites();
  readonly #followedEvents = new FollowedEvents();
  readonly #notifier = new Notifier((device) => this.#select({ kind: 'device', device }, true));
  readonly #groupPanel: GroupPanel;
  readonly #board: Board;
  readonly #list: ObjectList;
  readonly #card: Card;
  readonly #alerts: AlertBanner;
  readonly #announcer = new Announcer();
  readonly #status = new StatusChip();
  readonly #outage = new OutageBanner(() => this.#connection.retry());
  readonly #tools: Tools;
  readonly #travelBar: TravelBar;
  readonly #count = h('span', { class: 'count' });
  readonly #hint = h('p', { class: 'banner hint', hidden: true });
  /** The last requested subscription. */
  #region: Region | undefined;
  #selection: Selection | undefined;
  #filter: Filter;
  #group: Group | undefined;
  #compare: Compare | undefined;
  #data: DataView | undefined;
  #silent: SilentView | undefined;
  /** Of the selected device, shown in place of the last hours. */
  #flight: PastFlight | undefined;
  /** The device that the map keeps in the middle. */
  #camera: number | undefined;
  /** The time of the past that is shown; undefined: the map is live. */
  #travel: Travel | undefined;
  #theme: Theme;
  #baseMap: BaseMap;
  #colour: ColourScale;
  #formats: Formats;
  #say: { text: string; until: number } | undefined;
  #panelAt = 0;
  #pruneAt = 0;
  #addressAt = 0;
  /** The address has another time than is shown. */
  #addressStale = false;

  constructor(config: Config, preferences: Preferences, language: string) {
    this.#config = config;
    this.#preferences = preferences;
    this.#language = language;
    const state = readState(location.hash);
    this.#hidden = new Set(state.hidden);
    this.#followed = new Set(state.followed);
    this.#filter = state.filter;
    this.#group = state.group;
    this.#selection = state.device === undefined ? undefined : { kind: 'device', device: state.device };
    this.#line = new Line(this.#connection, preferences.data ?? 'auto');
    countRequests(this.#connection.meter);
    this.#theme = preferences.theme ?? systemTheme();
    this.#colour = preferences.colour ?? 'climb';
    this.#formats = this.#makeFormats();
    this.#baseMap = firstBaseMap(config, location.search, preferences.baseMap ?? null, location.href);
    applyTheme(this.#theme);
    this.#board = new Board({
      ...config,
      container: byId('map'),
      theme: this.#theme,
      baseMap: this.#baseMap,
      hidden: this.#hidden,
      onView: () => this.#subscribe(),
      onPick: (selection) => this.#select(selection),
    });
    this.#list = new ObjectList((selection, position) => this.#select(selection, true, position), () => this.#showPanel(), (filter) => this.#setFilter(filter), () => void this.#openSilent());
    this.#card = new Card(byId('card'), {
      close: () => this.#select(undefined),
      follow: (device) => this.#toggleFollow(device),
      favourite: (device) => {
        this.#favourites.toggle(device);
        this.#showPanel();
      },
      group: (device) => this.#setGroup(this.#colours.has(device) ? withoutMember(this.#group!, device) : withMember(this.#group, device)),
      goTo: (position) => this.#board.goTo(position, CLOSE_ZOOM),
      showFlight: (flight) => this.#showFlight(flight),
      showData: (device, station) => void this.#openData({ device, station }),
    });
    this.#alerts = new AlertBanner((alert, position) => {
      // The calls are those of now.
      this.#goLive();
      this.#select({ kind: 'device', device: alert.device });
      if (position) this.#board.goTo(position, CLOSE_ZOOM);
    }, () => {
      this.#goLive();
      this.#list.open('calls');
      byId('panel').classList.add('open');
      this.#showPanel();
    });
    this.#groupPanel = new GroupPanel({
      change: (group) => this.#setGroup(group),
      fromFollowed: () => this.#setGroup([...this.#followed].reduce<Group | undefined>(withMember, this.#group)),
      select: (device) => this.#select({ kind: 'device', device }, true),
      setOnly: (only) => this.#setFilter({ ...this.#filter, group: only }),
      compare: () => void this.#openCompare(),
      fit: () => {
        const { picture } = this.#scene();
        this.#board.fit([...this.#colours.keys()].flatMap((device) => picture.aircraft.get(device) ?? picture.ground.get(device) ?? []), CLOSE_ZOOM);
      },
    });
    this.#travelBar = new TravelBar(byId('travel'), {
      seek: (at) => this.#seek(at),
      toggle: () => this.#togglePlaying(),
      setSpeed: (speed) => this.#travel?.setSpeed(speed),
      live: () => this.#goLive(),
    });
    this.#tools = this.#makeTools();
    this.#furnish();
    this.#board.map.on('dragstart', () => { this.#camera = undefined; });
    if (state.at !== undefined) this.#seek(state.at);
    this.#subscribe();
    this.#run();
  }

  get hooks(): Hooks {
    return hooks(this.#session, this.#picture, this.#board, this.#past, () => this.#travel);
  }

  #makeFormats(): Formats {
    const { units = 'metric', zone = 'local' } = this.#preferences;
    return new Formats(units, zone, this.#language);
  }

  #makeTools(): Tools {
    return new Tools([
      { label: 'tool.list', icon: 'list', act: () => this.#toggleList(), small: true },
      { label: 'tool.layers', icon: 'layers', popover: { id: 'layers', content: () => this.#layers() } },
      { label: 'tool.legend', icon: 'key', popover: { id: 'legend', content: () => legend(this.#colour, this.#formats) } },
      { label: 'tool.group', icon: 'group', popover: { id: 'group', content: () => this.#groupPanel.element } },
      { label: 'tool.data', icon: 'table', act: () => void this.#openData() },
      { label: 'tool.travel', icon: 'clock', act: () => this.#toggleTravel() },
      { label: 'tool.locate', icon: 'locate', act: () => this.#locate() },
      { label: 'tool.settings', icon: 'settings', popover: { id: 'settings', content: () => this.#settings() } },
      { label: 'tool.help', icon: 'help', keyboard: true, popover: { id: 'help', content: keyHelp } },
    ]);
  }

  #layers(): HTMLElement {
    return layerPanel({
      hidden: this.#hidden, baseMaps: baseMapsOf(this.#config), baseMap: this.#baseMap, styleUrl: this.#config.styleUrl, colour: this.#colour,
      winds: this.#winds.all, windBand: this.#windBand, formats: this.#formats,
      setVisible: (key, visible) => this.#setVisible(key, visible),
      setBaseMap: (baseMap) => this.#setBaseMap(baseMap),
      setColour: (colour) => this.#setColour(colour),
      setWindBand: (baseM) => this.#prefer({ windBand: baseM }),
    });
  }

  get #windBand(): number {
    return this.#preferences.windBand ?? FIRST_WIND_BAND_M;
  }

  #settings(): HTMLElement {
    return settingsPanel({ ...this.#preferences, theme: this.#theme, language: this.#language }, (change) => this.#prefer(change), this.#dataUse.element);
  }

  #furnish(): void {
    const title = h('h1', {}, h('img', { src: './favicon.svg', alt: '', width: 26, height: 26 }), 'Updraft', this.#count);
    const panel = byId('panel');
    // On a small screen the header is the handle of the sheet; elsewhere the class changes nothing.
    panel.append(h('header', { onclick: () => this.#toggleList() }, title, this.#status.element), this.#list.element);
    panel.setAttribute('aria-label', t('list.title'));
    byId('map').setAttribute('aria-label', t('map'));
    byId('tools').setAttribute('aria-label', t('tools'));
    byId('banners').setAttribute('aria-label', t('notices'));
    byId('card').setAttribute('aria-label', t('details'));
    byId('travel').setAttribute('aria-label', t('tool.travel'));
    setText(document.querySelector('.skip')!, t('skip'));
    byId('banners').append(this.#alerts.element, this.#outage.element, this.#hint);
    byId('tools').append(...this.#tools.elements);
    document.body.append(this.#announcer.element);
    if (new URLSearchParams(location.search).has('embed')) this.#embed();
    addEventListener('keydown', (event) => this.#pressed(event));
  }

  /** Embedded in another page: the map with calls and details, and a link to the full page. */
  #embed(): void {
    document.body.classList.add('embed');
    const open = h('a', { class: 'banner open', target: '_blank', rel: 'noopener', href: location.pathname }, t('embed.open'));
    // The shown region changes until the user clicks.
    open.addEventListener('click', () => { open.setAttribute('href', location.pathname + location.hash); });
    byId('banners').append(open);
  }

  #toggleList(): void {
    byId('panel').classList.toggle('open');
  }

  #pressed(event: KeyboardEvent): void {
    if (document.querySelector('dialog[open]')) return;
    if (event.key === 'Escape' && !this.#tools.close()) this.#select(undefined);
    if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    const act: Record<string, () => void> = {
      '/': () => {
        byId('panel').classList.add('open');
        this.#list.focusSearch();
      },
      '?': () => this.#tools.toggle('help'),
      l: () => this.#tools.toggle('layers'),
      s: () => this.#tools.toggle('settings'),
      d: () => void this.#openData(),
      p: () => {
        if (byId('travel').hidden) this.#toggleTravel();
        else this.#togglePlaying();
      },
      n: () => this.#closeTravel(),
      u: () => void this.#openSilent(),
      g: () => this.#tools.toggle('group'),
      t: () => this.#prefer({ theme: THEMES[(THEMES.indexOf(this.#theme) + 1) % THEMES.length]! }),
      c: () => this.#setColour(COLOUR_SCALES[(COLOUR_SCALES.indexOf(this.#colour) + 1) % COLOUR_SCALES.length]!),
      f: () => { if (this.#selection?.kind === 'device') this.#toggleFollow(this.#selection.device); },
    };
    const found = act[event.key.length === 1 ? event.key.toLowerCase() : ''];
    if (!found) return;
    event.preventDefault();
    found();
  }

  #run(): void {
    this.#draw();
    const { size } = (this.#travel?.air.picture ?? this.#picture).aircraft;
    const calm = DRAW_STEPS[0][1];
    const step = DRAW_STEPS.findLast(([from]) => size >= from)?.[1] ?? calm;
    const interval = this.#travel?.playing && step === calm ? PLAY_STEP_MS : step;
    setTimeout(() => requestAnimationFrame(() => this.#run()), interval);
  }

  #draw(): void {
    const now = Date.now();
    if (this.#travel && !this.#travel.update(this.#board.view, now)) this.#goLive();
    const scene = this.#scene();
    this.#board.draw(scene);
    this.#keepInMiddle(scene);
    this.#showTravel(now);
    if (now - this.#panelAt >= PANEL_MS) this.#showPanel();
    if (now - this.#addressAt >= (this.#addressStale ? ADDRESS_REST_MS : this.#travel?.playing ? ADDRESS_MS : Infinity)) this.#writeAddress();
    if (now - this.#pruneAt < PRUNE_MS) return;
    this.#pruneAt = now;
    this.#air.prune((device) => this.#picture.aircraft.get(device) !== undefined, now);
  }

  /** Shows this time of the past, or the present where it is that. */
  #seek(at: number): void {
    const now = Date.now();
    if (isPresent(at, now)) {
      this.#goLive();
      return;
    }
    if (this.#travel) this.#travel.seek(at);
    else this.#travel = new Travel(at, now);
    byId('travel').hidden = false;
    this.#addressStale = true;
    this.#showPast();
  }

  #togglePlaying(): void {
    if (!this.#travel) this.#seek(Date.now() - REPLAY_MS);
    this.#travel?.setPlaying(!this.#travel.playing);
    this.#writeAddress();
  }

  #goLive(): void {
    if (!this.#travel) return;
    this.#travel.stop();
    this.#travel = undefined;
    this.#writeAddress();
    this.#showPast();
  }

  #toggleTravel(): void {
    if (byId('travel').hidden) byId('travel').hidden = false;
    else this.#closeTravel();
  }

  #closeTravel(): void {
    byId('travel').hidden = true;
    this.#goLive();
  }

  /** After a change between the present and the past, or of the time that is shown. */
  #showPast(): void {
    document.body.classList.toggle('past', this.#travel !== undefined);
    this.#board.redraw();
    // The address may name a time before there is a map to draw.
    if (this.#panelAt > 0) this.#showPanel();
  }

  #showTravel(now: number): void {
    if (!byId('travel').hidden) this.#travelBar.show(this.#travel, now, this.#formats);
  }

  get #colours(): ReadonlyMap<number, string> {
    return coloursOf(this.#group, Date.now());
  }

  /** `live`: the present, also while the past is shown. */
  #scene(live = this.#travel === undefined): Scene {
    const shown = live || !this.#travel ? { picture: this.#picture, air: this.#air, now: Date.now() }
      : { picture: this.#travel.air.picture, air: this.#travel.air, now: this.#travel.at };
    return {
      ...shown, isLive: live, selection: this.#selection, followed: this.#followed, past: this.#past, flights: this.#flights,
      favourites: this.#favourites.devices, group: this.#colours, filter: this.#filter, colour: this.#colour, formats: this.#formats,
      winds: this.#winds.all, windBand: this.#windBand, zones: this.#zones.all,
      elevationAt: (lat, lon) => this.#board.elevationAt(lat, lon),
      receiverReport: (id) => this.#receivers.get(id),
      distanceFromHere: (position) => this.#here.distanceTo(position, this.#formats),
    };
  }

  #showPanel(): void {
    const scene = this.#scene();
    const present = scene.isLive ? scene : this.#scene(true);
    const { now } = present;
    this.#panelAt = now;
    const device = scene.selection?.kind === 'device' ? scene.selection.device : undefined;
    this.#past.want(device, now, this.#flight, scene.isLive ? undefined : aroundTime(scene.now));
    this.#flights.want(device, now);
    const { south, west, north, east } = this.#board.view;
    const reported = (key: LayerKey) => (this.#hidden.has(key) || east - west > MAX_REPORT_SPAN_DEG ? undefined : [south, west, north, east] as const);
    this.#receivers.want(reported('receivers'), now);
    this.#winds.want(reported('winds'), now);
    this.#zones.want(reported('zones'), now);
    // The server may have sent new limits.
    this.#subscribe();
    const count = this.#list.show(scene, this.#board.view);
    this.#card.show(scene);
    // Calls for help are those of now, whatever the map shows.
    this.#alerts.update(present);
    this.#announcer.update(present, this.#session, this.#preferences.sound ?? true);
    this.#status.show(this.#session, now, !scene.isLive);
    this.#dataUse.show(this.#connection.meter, this.#session, now);
    this.#outage.show(this.#session, this.#formats, now);
    setText(this.#count, count === 0 ? '' : String(count));
    const title = count === 0 ? 'Updraft' : `Updraft · ${count}`;
    if (document.title !== title) document.title = title;
    this.#groupPanel.show(scene, this.#group, this.#session.maxFollowed);
    this.#line.watching = this.#notifies && (this.#followed.size > 0 || scene.group.size > 0);
    this.#showHint(now);
  }

  #showHint(now: number): void {
    const { lastError, regionLimits } = this.#session;
    const clamped = isWider(this.#board.view, regionLimits) && this.#region !== undefined;
    const km = this.#region && 'circle' in this.#region ? this.#region.circle.radius_km : regionLimits.maxSpanKm / 2;
    const said = this.#say && now < this.#say.until ? this.#say.text : undefined;
    const text = said ?? lastError ?? (clamped ? t('hint.region', { distance: this.#formats.distance(km).replace(/\.0 /, ' ') }) : undefined);
    this.#hint.hidden = text === undefined;
    if (text !== undefined) setText(this.#hint, text);
  }

  #subscribe(): void {
    const view = this.#board.view;
    const limits = this.#session.regionLimits;
    const wider = isWider(view, limits);
    if (!this.#region || !suits(this.#region, view, limits)) {
      const wide = padded(view);
      this.#region = regionOf(isWider(wide, limits) ? view : wide, limits);
      this.#board.showRegion(wider ? this.#region : undefined);
    }
    this.#connection.want({ region: this.#region, kinds: kindsWithout(this.#hidden), follow: this.#watched });
  }

  /** Who is followed and in the group, as many as the server allows. */
  get #watched(): number[] {
    return [...new Set([...this.#followed, ...this.#colours.keys()])].slice(0, this.#session.maxFollowed);
  }

  get #notifies(): boolean {
    return this.#preferences.notify === true && Notifier.isAllowed;
  }

  /** Looks for events of followed pilots: with each message, since a hidden page draws nothing. */
  #watch(): void {
    const events = this.#followedEvents.update(this.#watched, this.#picture);
    if (this.#notifies) for (const event of events) void this.#notifier.show(event);
  }

  #setGroup(group: Group | undefined): void {
    this.#group = group;
    if (!group && this.#filter.group) this.#filter = { ...this.#filter, group: false };
    this.#writeAddress();
    this.#subscribe();
    this.#board.redraw();
    this.#showPanel();
  }

  #showFlight(flight: PastFlight | undefined): void {
    this.#flight = flight;
    this.#showPanel();
    this.#board.redraw();
  }

  /** `subject`: the device whose past is shown; absent: the objects of the region. */
  async #openData(subject?: DeviceSubject): Promise<void> {
    const { DataView } = await import('./data/data-view');
    this.#data ??= new DataView({ scene: () => this.#scene(), view: () => this.#board.view, select: (selection, position) => this.#select(selection, true, position) });
    this.#data.open(subject);
  }

  async #openSilent(): Promise<void> {
    const { SilentView } = await import('./ui/silent');
    this.#silent ??= new SilentView({
      scene: () => this.#scene(),
      view: () => this.#board.view,
      show: ({ device, position }, at) => {
        this.#seek(at);
        this.#select({ kind: 'device', device }, true, position);
      },
    });
    this.#silent.open();
  }

  async #openCompare(): Promise<void> {
    const { Compare } = await import('./ui/compare');
    this.#compare ??= new Compare(() => this.#scene());
    this.#compare.open(this.#group?.members ?? []);
  }

  /** `show`: brings it into the middle; `elsewhere`: where it is if it is not in the air picture. */
  #select(selection: Selection | undefined, show = false, elsewhere?: Position): void {
    if (!isSameSelection(selection, this.#selection)) this.#flight = undefined;
    this.#selection = selection;
    this.#writeAddress();
    this.#showPanel();
    const { picture } = this.#scene();
    const known = selection?.kind === 'device' ? picture.aircraft.get(selection.device) ?? picture.ground.get(selection.device) : undefined;
    const position = known ?? elsewhere;
    if (show) byId('panel').classList.remove('open');
    if (!position) return;
    if (show) this.#board.goTo(position, CLOSE_ZOOM);
    // The selected object must not disappear below its own details.
    else this.#board.reveal(position);
  }

  #setFilter(filter: Filter): void {
    this.#filter = filter;
    this.#writeAddress();
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
    this.#writeAddress();
    this.#subscribe();
    this.#showPanel();
  }

  #keepInMiddle({ picture, air, now }: Scene): void {
    const aircraft = this.#camera === undefined ? undefined : picture.aircraft.get(this.#camera);
    if (!aircraft || this.#board.map.isZooming()) return;
    this.#board.centre(air.whereNow(aircraft, now), DRAW_STEPS[0][1]);
  }

  #locate(): void {
    this.#here.locate((position) => {
      this.#board.showHere(position);
      this.#board.goTo(position, CLOSE_ZOOM);
    }, () => { this.#say = { text: t('locate.denied'), until: Date.now() + HINT_MS }; });
  }

  #setVisible(key: LayerKey, visible: boolean): void {
    if (visible) this.#hidden.delete(key);
    else this.#hidden.add(key);
    this.#board.setVisible(key, visible);
    // The bands are offered with their layer.
    if (key === 'winds') this.#tools.refresh('layers');
    this.#writeAddress();
    this.#subscribe();
  }

  #setBaseMap(baseMap: BaseMap): void {
    this.#baseMap = baseMap;
    this.#preferences.baseMap = baseMap;
    storePreferences(this.#preferences);
    this.#board.setBaseMap(baseMap);
  }

  #setColour(colour: ColourScale): void {
    this.#colour = colour;
    this.#preferences.colour = colour;
    storePreferences(this.#preferences);
    this.#tools.refresh('legend');
    this.#board.redraw();
  }

  #prefer(change: Partial<Preferences>): void {
    Object.assign(this.#preferences, change);
    storePreferences(this.#preferences);
    if (change.language !== undefined) location.reload();
    if (change.notify) void this.#askToNotify();
    if (change.data !== undefined) this.#line.choice = change.data;
    if (change.theme !== undefined) {
      this.#theme = change.theme;
      applyTheme(change.theme);
      this.#board.setTheme(change.theme);
    }
    this.#formats = this.#makeFormats();
    this.#board.redraw();
    this.#showPanel();
  }

  async #askToNotify(): Promise<void> {
    if (await Notifier.ask()) return;
    this.#preferences.notify = false;
    storePreferences(this.#preferences);
    this.#tools.refresh('settings');
    this.#say = { text: t('notify.denied'), until: Date.now() + HINT_MS };
  }

  #writeAddress(): void {
    const device = this.#selection?.kind === 'device' ? this.#selection.device : undefined;
    this.#addressAt = Date.now();
    this.#addressStale = false;
    const hash = writeState(location.hash, { device, followed: [...this.#followed], hidden: [...this.#hidden], filter: this.#filter, group: this.#group, at: this.#travel?.at });
    history.replaceState(history.state, '', hash || location.pathname + location.search);
  }
}
