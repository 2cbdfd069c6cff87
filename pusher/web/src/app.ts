import { AirPicture, Connection, formatAddress, Session, socketUrl, type Aircraft, type Alert, type Position } from 'updraft-client';
import { AddressBar, readState, type PageState } from './address-bar';
import { baseMapsOf, type Config } from './config';
import { THEMES } from './basemap/theme';
import { drawRepeatedly, type Load } from './draw-loop';
import { Followed } from './followed';
import { coloursOf, withMember, withoutMember, type Group } from './group';
import { Here } from './here';
import { Line } from './line';
import { hooks, type Hooks } from './hooks';
import { Arrivals } from './live/arrivals';
import { ReceiverReports } from './live/receiver-reports';
import { Subscription } from './live/subscription';
import { Winds, type Wind } from './live/winds';
import { Zones } from './live/zones';
import { Board } from './map/board';
import { Camera, CLOSE_ZOOM } from './map/camera';
import { LAYER_KEYS, type LayerKey } from './map/layers/layer';
import type { Scene } from './map/scene';
import { COLOUR_SCALES } from './map/symbols/colour';
import { Air } from './motion/air';
import { Flights, type PastFlight } from './motion/flights';
import { aroundTime, Past } from './motion/past';
import { Notifier } from './notifier';
import type { Push } from './push';
import { isSameSelection, type Selection } from './selection';
import { Choices } from './settings/choices';
import { Favourites } from './settings/favourites';
import { t } from './settings/language';
import type { Preferences } from './settings/preferences';
import { Account } from './sign-in/account';
import type { Returned } from './sign-in/returned';
import type { Store } from './sign-in/store';
import { TimeTravel } from './travel/time-travel';
import type { AccountPanel, Shown } from './ui/account-panel';
import type { MapState } from './views/saved-views';
import { problemText } from './ui/account-problem';
import { AlertBanner } from './ui/alerts';
import { countRequests, DataUseLine } from './ui/data-use';
import { Announcer } from './ui/announcer';
import { Card } from './ui/card';
import { Dialogs } from './ui/dialogs';
import { byId, h, setText } from './ui/dom';
import { EVERYTHING, type Filter } from './ui/filter';
import { FilterBanner } from './ui/filter-banner';
import { closeList, furnish, openList, toggleList } from './ui/frame';
import type { GroupPanel } from './ui/group-panel';
import { HintBanner } from './ui/hint';
import { keyHelp, onKeys } from './ui/keys';
import { ObjectList } from './ui/list';
import { OutageBanner } from './ui/outage';
import { StatusChip } from './ui/status';
import { applyTheme } from './ui/theme';
import { Tools } from './ui/tools';
import type { ZonePanel } from './zones/panel';

const PANEL_MS = 500;
const PRUNE_MS = 10_000;
/** In a wider view reports of receivers, winds and zones are not loaded. */
const MAX_REPORT_SPAN_DEG = 20;

/** The page: takes the user's input and draws every part from one scene. */
export class App {
  readonly #air = new Air();
  readonly #past = new Past();
  readonly #flights = new Flights();
  readonly #receivers = new ReceiverReports();
  readonly #winds = new Winds();
  readonly #zones = new Zones();
  readonly #arrivals = new Arrivals();
  readonly #picture = new AirPicture((next, before) => this.#observe(next, before));
  readonly #session = new Session(this.#picture);
  readonly #connection = new Connection(this.#session, socketUrl(), { onMessage: () => this.#watch(), token: () => this.#account.token() });
  readonly #subscription = new Subscription(this.#connection, this.#session);
  readonly #line: Line;
  readonly #dataUse = new DataUseLine();
  readonly #here = new Here();
  readonly #config: Config;
  readonly #choices: Choices;
  readonly #hidden: Set<LayerKey>;
  readonly #followed: Followed;
  readonly #favourites = new Favourites();
  #groupPanel: GroupPanel | undefined;
  readonly #board: Board;
  readonly #camera: Camera;
  readonly #list: ObjectList;
  readonly #card: Card;
  readonly #alerts: AlertBanner;
  readonly #announcer = new Announcer();
  readonly #status = new StatusChip();
  readonly #outage = new OutageBanner(() => this.#connection.retry());
  readonly #tools: Tools;
  readonly #account: Account;
  #push: Push | undefined;
  readonly #travel: TimeTravel;
  readonly #dialogs: Dialogs;
  readonly #hint = new HintBanner();
  readonly #filterBanner = new FilterBanner(() => this.#showEverything());
  readonly #address = new AddressBar();
  readonly #count = h('span', { class: 'count' });
  #zonePanel: ZonePanel | undefined;
  #accountPanel: AccountPanel | undefined;
  #selection: Selection | undefined;
  #filter: Filter;
  /** Of a signed-in person: what is shown alone. */
  #shown: Shown = 'all';
  #group: Group | undefined;
  /** The terrain is shown in 3D. */
  #raised: boolean;
  /** Of the selected device, shown in place of the last hours. */
  #flight: PastFlight | undefined;
  #countedWinds: readonly Wind[] = [];
  #panelAt = 0;
  #pruneAt = 0;

  constructor(config: Config, preferences: Preferences, language: string, store: Store) {
    this.#account = new Account(store, { changed: () => this.#showAccount(), credentialsChanged: () => this.#connection.reconnect() });
    this.#config = config;
    this.#choices = new Choices(preferences, config, language);
    const state = readState(location.hash);
    this.#hidden = new Set(state.hidden);
    this.#followed = new Followed(state.followed, (device) => this.#select({ kind: 'device', device }, true));
    this.#filter = state.filter;
    this.#group = state.group;
    this.#raised = state.raised && config.terrain !== undefined;
    this.#selection = state.selection;
    this.#flight = flightOf(state);
    this.#line = new Line(this.#connection, preferences.data ?? 'auto');
    countRequests(this.#connection.traffic);
    applyTheme(this.#choices.theme);
    this.#board = new Board({
      ...config,
      container: byId('map'),
      theme: this.#choices.theme,
      baseMap: this.#choices.baseMap,
      hidden: this.#hidden,
      raised: this.#raised,
      onView: () => this.#subscribe(),
      onPick: (selection) => this.#select(selection),
    });
    this.#camera = new Camera(this.#board);
    this.#dialogs = new Dialogs({
      scene: () => this.#scene(),
      view: () => this.#board.view,
      select: (selection, position) => this.#select(selection, true, position),
      seek: (at) => void this.#travel.seek(at),
    });
    this.#list = new ObjectList((selection, position) => this.#select(selection, true, position), () => this.#showPanel(), (filter) => this.#setFilter(filter), () => void this.#dialogs.openSilent(), (call, position) => this.#showCall(call, position));
    this.#card = new Card(byId('card'), {
      close: () => this.#select(undefined),
      follow: (device) => this.#toggleFollow(device),
      favourite: (device) => {
        this.#favourites.toggle(device);
        this.#showPanel();
      },
      group: (device) => this.#setGroup(this.#colours.has(device) ? withoutMember(this.#group!, device) : withMember(this.#group, device)),
      goTo: (position) => this.#board.goTo(position, CLOSE_ZOOM),
      select: (device) => this.#select({ kind: 'device', device }, true),
      showFlight: (flight) => this.#showFlight(flight),
      showData: (device, station) => void this.#dialogs.openData({ device, station }),
    });
    this.#alerts = new AlertBanner((call, position) => this.#showCall(call, position), () => {
      this.#travel.goLive();
      this.#list.open('calls');
      openList();
      this.#showPanel();
    });
    this.#session.onZoneEvents = (events) => {
      if (this.#notifies) this.#followed.showZoneEvents(this.#watched, events, this.#picture);
    };
    this.#travel = new TimeTravel(byId('travel'), {
      moved: () => this.#showTravelled(), stood: () => this.#writeAddress(), failed: () => this.#hint.say(t('tool.failed')),
    });
    this.#tools = this.#makeTools();
    furnish({
      count: this.#count, status: this.#status.element, list: this.#list.element, banners: [this.#alerts.element, this.#outage.element, this.#filterBanner.element, this.#hint.element],
      tools: this.#tools.elements, announcer: this.#announcer.element,
    });
    this.#listenToKeys();
    this.#board.map.on('dragstart', () => this.#followed.release());
    if (state.at !== undefined) void this.#travel.seek(state.at);
    // A fragment without a field is no state of the page.
    addEventListener('hashchange', () => { if (location.hash.includes('=')) this.#openLink(); });
    this.#subscribe();
    drawRepeatedly(() => this.#draw());
  }

  /** `returned`: the identity provider's answer, where the page was left for it. */
  async startAccount(returned: Returned | undefined): Promise<void> {
    // A frame of another page is no place for credentials.
    if (window.top === window) await this.#account.start(returned);
  }

  #showAccount(): void {
    const { status, person, problem } = this.#account.state;
    if (status !== 'off') this.#tools.show('account');
    this.#tools.show('zones', person?.scopes.includes('zone:write'));
    // Signed out, there is neither.
    if (!person && this.#shown !== 'all') this.#showOnly('all');
    this.#tools.refresh('account');
    if (problem) this.#hint.say(problemText(problem));
  }

  get hooks(): Hooks {
    return hooks(this.#session, this.#picture, this.#board, this.#past, () => this.#travel.past);
  }

  #makeTools(): Tools {
    return new Tools([
      { label: 'tool.list', icon: 'list', act: toggleList, controls: 'panel', small: true },
      { label: 'tool.layers', icon: 'layers', popover: { id: 'layers', content: () => this.#layers() } },
      { label: 'tool.legend', icon: 'key', popover: { id: 'legend', content: async () => (await import('./ui/legend')).legend(this.#choices.colour, this.#choices.formats) } },
      { label: 'tool.group', icon: 'group', popover: { id: 'group', content: () => this.#groupTools() } },
      { label: 'tool.data', icon: 'table', act: () => void this.#dialogs.openData() },
      { label: 'tool.travel', icon: 'clock', act: () => this.#travel.toggle() },
      ...(this.#config.terrain ? [{ label: 'tool.terrain', icon: 'terrain', act: () => this.#setRaised(!this.#raised), isOn: () => this.#raised } as const] : []),
      { label: 'tool.locate', icon: 'locate', act: () => this.#locate() },
      {
        label: 'tool.account', icon: 'account', hidden: true,
        popover: { id: 'account', content: () => this.#accountTools() },
      },
      { label: 'tool.zones', icon: 'zones', hidden: true, popover: { id: 'zones', content: () => this.#zoneTools() } },
      { label: 'tool.settings', icon: 'settings', popover: { id: 'settings', content: () => this.#settings() } },
      { label: 'tool.help', icon: 'help', keyboard: true, popover: { id: 'help', content: keyHelp } },
    ]);
  }

  /** The person, and the views that the account keeps. */
  async #accountTools(): Promise<HTMLElement> {
    const { AccountPanel } = await import('./ui/account-panel');
    this.#accountPanel ??= new AccountPanel({
      show: (shown) => this.#showOnly(shown), signIn: () => void this.#account.signIn(), signOut: () => void this.#signOut(), token: () => this.#account.token(),
      state: () => this.#mapState, open: (state) => this.#openView(state), preferences: () => this.#choices.stored, prefer: (change) => this.#prefer(change),
    });
    return this.#accountPanel.show(this.#account.state, this.#shown, this.#choices.formats);
  }

  async #groupTools(): Promise<HTMLElement> {
    const { GroupPanel } = await import('./ui/group-panel');
    this.#groupPanel ??= new GroupPanel({
      change: (group) => this.#setGroup(group),
      fromFollowed: () => this.#setGroup([...this.#followed.devices].reduce<Group | undefined>(withMember, this.#group)),
      select: (device) => this.#select({ kind: 'device', device }, true),
      setOnly: (only) => this.#setFilter({ ...this.#filter, group: only }),
      compare: () => void this.#dialogs.openCompare(this.#group),
      fit: () => {
        const { picture } = this.#scene();
        this.#board.fit([...this.#colours.keys()].flatMap((device) => picture.aircraft.get(device) ?? picture.ground.get(device) ?? []), CLOSE_ZOOM);
      },
    });
    this.#showPanel();
    return this.#groupPanel.element;
  }

  get #mapState(): MapState {
    const { colour, baseMap } = this.#choices;
    return { view: this.#board.view, filter: this.#filter, hidden: [...this.#hidden], colour, baseMap, raised: this.#raised };
  }

  /** A base map or terrain that this server does not have is left out. */
  #openView({ view, filter, hidden, colour, baseMap, raised }: MapState): void {
    this.#followed.release();
    this.#board.showView(view);
    this.#showLayers(hidden, raised);
    this.#prefer({ colour, ...(baseMap !== this.#choices.baseMap && baseMapsOf(this.#config).includes(baseMap) && { baseMap }) });
    this.#setFilter(filter);
  }

  /** A link was opened in this tab. The map takes its region itself, and scripts that write the address cause no such event. */
  #openLink(): void {
    const state = readState(location.hash);
    this.#selection = state.selection;
    this.#flight = flightOf(state);
    this.#group = state.group;
    this.#followed.replace(state.followed);
    this.#showLayers(state.hidden, state.raised);
    this.#setFilter(state.filter);
    if (state.at === undefined) this.#travel.goLive();
    else void this.#travel.seek(state.at);
    this.#subscribe();
  }

  #showLayers(hidden: readonly LayerKey[], raised: boolean): void {
    for (const key of LAYER_KEYS) {
      if (hidden.includes(key) !== this.#hidden.has(key)) this.#setVisible(key, this.#hidden.has(key));
    }
    if (this.#config.terrain && raised !== this.#raised) this.#setRaised(raised);
  }

  /** Drawing and importing of zones. */
  async #zoneTools(): Promise<HTMLElement> {
    const { ZonePanel } = await import('./zones/panel');
    this.#zonePanel ??= new ZonePanel({
      token: () => this.#account.token(),
      capture: (take) => this.#board.capture(take),
      draw: (corners) => this.#board.showDraft(corners),
      changed: () => {
        this.#zones.forget();
        this.#showPanel();
      },
      sets: () => this.#zones.sets,
    });
    this.#zonePanel.show();
    return this.#zonePanel.element;
  }

  async #layers(): Promise<HTMLElement> {
    const { layerPanel } = await import('./ui/panels');
    const { baseMap, colour, windBandM: windBand, formats } = this.#choices;
    return layerPanel({
      hidden: this.#hidden, baseMaps: baseMapsOf(this.#config), baseMap, styleUrl: this.#config.styleUrl, hasTerrain: this.#config.terrain !== undefined, colour, winds: this.#winds.all, windBand, formats,
      setVisible: (key, visible) => this.#setVisible(key, visible),
      setBaseMap: (chosen) => this.#prefer({ baseMap: chosen }),
      setColour: (chosen) => this.#prefer({ colour: chosen }),
      setWindBand: (chosen) => this.#prefer({ windBand: chosen }),
    });
  }

  /** In the open panel: the winds come after its drawing. */
  async #countWinds(): Promise<void> {
    this.#countedWinds = this.#winds.all;
    if (!document.querySelector('[name=wind-band]')) return;
    const { showBands } = await import('./ui/panels');
    showBands(byId('layers'), this.#winds.all, this.#choices.formats);
  }

  async #settings(): Promise<HTMLElement> {
    const { settingsPanel } = await import('./ui/panels');
    const { stored, theme, language } = this.#choices;
    return settingsPanel({ ...stored, theme, language }, (change) => this.#prefer(change), this.#dataUse.element);
  }

  #listenToKeys(): void {
    onKeys({
      '/': () => {
        openList();
        this.#list.focusSearch();
      },
      '?': () => this.#tools.toggle('help'),
      k: () => {
        openList();
        this.#list.toggleFilter();
      },
      x: () => this.#showEverything(),
      l: () => this.#tools.toggle('layers'),
      s: () => this.#tools.toggle('settings'),
      d: () => void this.#dialogs.openData(),
      3: () => { if (this.#config.terrain) this.#setRaised(!this.#raised); },
      p: () => {
        if (this.#travel.isOpen) void this.#travel.togglePlaying();
        else this.#travel.toggle();
      },
      n: () => this.#travel.close(),
      u: () => void this.#dialogs.openSilent(),
      g: () => this.#tools.toggle('group'),
      t: () => this.#prefer({ theme: nextOf(THEMES, this.#choices.theme) }),
      c: () => this.#prefer({ colour: nextOf(COLOUR_SCALES, this.#choices.colour) }),
      f: () => { if (this.#selection?.kind === 'device') this.#toggleFollow(this.#selection.device); },
      escape: () => { if (!this.#tools.close()) this.#select(undefined); },
    }, () => this.#choices.stored.keys ?? true);
  }

  #observe(next: Aircraft, before: Aircraft | undefined): void {
    const now = Date.now();
    this.#air.observe(next, now);
    // The first state comes with a snapshot, at any time after it was made.
    if (before) this.#arrivals.note(next.device, next.version, now);
  }

  #draw(): Load {
    const now = Date.now();
    this.#travel.update(this.#board.view, now);
    const scene = this.#scene();
    this.#board.draw(scene);
    this.#camera.keepInMiddle(this.#followed.centred, scene);
    this.#travel.show(now, this.#choices.formats);
    if (now - this.#panelAt >= PANEL_MS) this.#showPanel();
    const playing = this.#travel.past?.playing === true;
    if (this.#address.isDue(now, playing)) this.#writeAddress();
    if (now - this.#pruneAt >= PRUNE_MS) {
      this.#pruneAt = now;
      const isShown = (device: number) => this.#picture.aircraft.get(device) !== undefined;
      this.#air.prune(isShown, now);
      this.#arrivals.prune(isShown);
    }
    return { aircraft: scene.picture.aircraft.size, playing };
  }

  /** After a change between the present and the past, or of the time that is shown. */
  #showTravelled(): void {
    if (this.#travel.past) this.#address.markStale();
    this.#board.redraw();
    // The address may name a time before there is a map to draw.
    if (this.#panelAt > 0) this.#showPanel();
  }

  get #colours(): ReadonlyMap<number, string> {
    return coloursOf(this.#group, Date.now());
  }

  /** `live`: the present, also while the past is shown. */
  #scene(live = this.#travel.past === undefined): Scene {
    const { past } = this.#travel;
    const { colour, formats, windBandM: windBand } = this.#choices;
    const shown = live || !past ? { picture: this.#picture, air: this.#air, now: Date.now() } : { picture: past.air.picture, air: past.air, now: past.at };
    return {
      ...shown, isLive: live, selection: this.#selection, followed: this.#followed.devices, past: this.#past, flights: this.#flights,
      favourites: this.#favourites.devices, group: this.#colours, ...this.#chosen, filter: this.#filter, colour, formats, winds: this.#winds.all, windBand,
      zones: this.#zones.all,
      elevationAt: (lat, lon) => this.#board.elevationAt(lat, lon),
      receiverReport: (id) => this.#receivers.get(id),
      arrivalOf: (of, version) => {
        const at = this.#arrivals.of(of, version);
        return at === undefined ? undefined : this.#session.serverTime(at);
      },
      distanceFromHere: (position) => this.#here.distanceTo(position, formats),
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
    this.#camera.moveToFlight(this.#past);
    const { south, west, north, east } = this.#board.view;
    const reported = (key: LayerKey) => (this.#hidden.has(key) || east - west > MAX_REPORT_SPAN_DEG ? undefined : [south, west, north, east] as const);
    this.#receivers.want(reported('receivers'), now);
    this.#winds.want(reported('winds'), now);
    this.#zones.want(reported('zones'), now);
    if (this.#winds.all !== this.#countedWinds) void this.#countWinds().catch(() => undefined);
    // The server may have sent new limits.
    this.#subscribe();
    const { aircraft: count, hidden } = this.#list.show(scene, present, this.#board.view, this.#hidden);
    this.#filterBanner.show(this.#filter, this.#shown !== 'all', hidden);
    this.#card.show(scene);
    // Calls for help are those of now, also where the map shows the past.
    this.#alerts.update(present);
    this.#announcer.update(present, this.#session, this.#choices.stored.sound ?? true);
    this.#status.show(this.#session, now, !scene.isLive);
    this.#dataUse.show(this.#connection.traffic, this.#session, now);
    this.#outage.show(this.#session, this.#choices.formats, now);
    setText(this.#count, count === 0 ? '' : String(count));
    const title = count === 0 ? 'Updraft' : `Updraft · ${count}`;
    if (document.title !== title) document.title = title;
    this.#groupPanel?.show(scene, this.#group, this.#session.maxFollowed);
    if (this.#pushes && this.#push) this.#push.want(this.#watched, now);
    else if (this.#pushes) void this.#loadPush().catch(() => undefined);
    this.#line.watching = this.#notifies && (this.#followed.devices.size > 0 || scene.group.size > 0);
    const km = this.#subscription.liveRadiusKm(this.#board.view);
    this.#hint.show(this.#session.lastError ?? (km === undefined ? undefined : t('hint.region', { distance: this.#choices.formats.distance(km).replace(/\.0 /, ' ') })), now);
  }

  #subscribe(): void {
    const fleet = typeof this.#shown === 'string' ? undefined : this.#shown.fleet;
    this.#subscription.want(this.#board.view, this.#hidden, this.#watched, fleet, (region) => this.#board.showRegion(region));
  }

  /** Who is followed and in the group, as many as the server allows. */
  get #watched(): number[] {
    const own = this.#shown === 'own' ? this.#account.state.person?.devices ?? [] : [];
    return [...new Set([...this.#followed.devices, ...this.#colours.keys(), ...own])].slice(0, this.#session.maxFollowed);
  }

  /** The devices that are shown alone. Those of a fleet are known with the answer to its subscription. */
  get #chosen(): { chosen?: ReadonlySet<number> } {
    if (this.#shown === 'all') return {};
    if (this.#shown === 'own') return { chosen: new Set(this.#account.state.person?.devices) };
    return { chosen: this.#picture.fleet ?? new Set() };
  }

  get #notifies(): boolean {
    return this.#choices.stored.notify === true && Notifier.isAllowed;
  }

  /** Whether notifications come while the page is closed too. */
  get #pushes(): boolean {
    return this.#notifies && this.#account.state.person?.scopes.includes('notification:write') === true;
  }

  /** Looks for events of followed pilots: with each message, since a hidden page draws nothing. */
  #watch(): void {
    this.#followed.watch(this.#watched, this.#picture, this.#notifies);
  }

  #setGroup(group: Group | undefined): void {
    this.#group = group;
    if (!group && this.#filter.group) this.#filter = { ...this.#filter, group: false };
    this.#writeAddress();
    this.#subscribe();
    this.#board.redraw();
    this.#showPanel();
  }

  /** Moves to its track once that is loaded. */
  #showFlight(flight: PastFlight | undefined): void {
    this.#flight = flight;
    this.#camera.awaitFlight(flight);
    this.#followed.release();
    this.#writeAddress();
    this.#showPanel();
    this.#board.redraw();
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
    if (show) closeList();
    if (!position) return;
    if (show) this.#board.goTo(position, CLOSE_ZOOM);
    // The selected object must not disappear below its own details.
    else this.#board.reveal(position);
  }

  /** The calls are those of now, also where the map shows the past. */
  #showCall({ device }: Alert, position: Position | undefined): void {
    this.#travel.goLive();
    this.#select({ kind: 'device', device }, true, position);
  }

  #setFilter(filter: Filter): void {
    this.#filter = filter;
    this.#writeAddress();
    this.#board.redraw();
    this.#showPanel();
  }

  #showOnly(shown: Shown): void {
    this.#shown = shown;
    this.#tools.refresh('account');
    this.#subscribe();
    this.#board.redraw();
    this.#showPanel();
  }

  #showEverything(): void {
    if (this.#shown !== 'all') this.#showOnly('all');
    this.#setFilter(EVERYTHING);
  }

  #toggleFollow(device: number): void {
    const most = this.#session.maxFollowed;
    const dropped = this.#followed.toggle(device, most);
    if (dropped !== undefined) {
      const who = this.#picture.aircraft.get(dropped)?.name ?? this.#picture.ground.get(dropped)?.name ?? formatAddress(dropped);
      this.#hint.say(t('follow.limit', { count: most, who }));
    }
    this.#writeAddress();
    this.#subscribe();
    this.#showPanel();
  }

  #locate(): void {
    this.#here.locate((position, first) => {
      this.#board.showHere(position);
      if (first) this.#board.goTo(position, CLOSE_ZOOM);
    }, () => this.#hint.say(t('locate.denied')));
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

  #setRaised(raised: boolean): void {
    this.#raised = raised;
    this.#board.setRaised(raised);
    this.#tools.showSwitches();
    this.#writeAddress();
  }

  #prefer(change: Partial<Preferences>): void {
    this.#choices.change(change);
    if (change.language !== undefined) location.reload();
    if (change.notify) void this.#askToNotify();
    else if (change.notify === false) void this.#endPush();
    if (change.data !== undefined) this.#line.choice = change.data;
    if (change.theme !== undefined) {
      applyTheme(change.theme);
      this.#board.setTheme(change.theme);
    }
    if (change.baseMap !== undefined) this.#board.setBaseMap(change.baseMap);
    if (change.colour !== undefined) this.#tools.refresh('legend');
    this.#board.redraw();
    this.#showPanel();
  }

  /** Notifications of the closed page: their code is loaded when they are needed first. */
  async #loadPush(): Promise<Push> {
    const { Push, registration } = await import('./push');
    const { language } = this.#choices;
    return this.#push ??= new Push({ registration, token: () => this.#account.token(), language, send: (url, init) => fetch(url, init), store: () => localStorage });
  }

  async #endPush(): Promise<void> {
    await this.#loadPush().then((push) => push.cancel()).catch(() => undefined);
  }

  async #signOut(): Promise<void> {
    await this.#endPush();
    await this.#account.signOut();
  }

  async #askToNotify(): Promise<void> {
    if (await Notifier.ask()) return;
    this.#choices.change({ notify: false });
    this.#tools.refresh('settings');
    this.#hint.say(t('notify.denied'));
  }

  #writeAddress(): void {
    this.#address.write({
      selection: this.#selection, flight: this.#flight, followed: [...this.#followed.devices], hidden: [...this.#hidden], filter: this.#filter, group: this.#group, at: this.#travel.at, raised: this.#raised,
    });
  }
}

/** The length of a flight in a link is not known. */
function flightOf({ flight }: PageState): PastFlight | undefined {
  return flight && { ...flight, distanceKm: 0 };
}

function nextOf<T>(all: readonly T[], one: T): T {
  return all[(all.indexOf(one) + 1) % all.length]!;
}
