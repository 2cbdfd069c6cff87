import { formatAddress, type Position } from 'updraft-client';
import { readState } from './address-bar';
import type { Config } from './config';
import { drawRepeatedly, FirstOfKind, type Load } from './draw-loop';
import { withoutLanguage, type Embed } from './embed';
import { Followed } from './followed';
import { withMember, withoutMember, type Group } from './group';
import { Here } from './here';
import { Line } from './line';
import { Links } from './links';
import { hooks, type Hooks } from './hooks';
import { Live } from './live/live';
import { Board } from './map/board';
import { Camera, CLOSE_ZOOM } from './map/camera';
import type { LayerKey } from './map/layers/layer';
import type { Scene } from './map/scene';
import { Flights, type PastFlight } from './motion/flights';
import { aroundTime, Past } from './motion/past';
import { Notifications } from './notifications';
import type { PageActions } from './page-actions';
import { isSelectedDevice, type Selection } from './selection';
import { Choices } from './settings/choices';
import { Favourites } from './settings/favourites';
import { t } from './settings/language';
import type { Preferences } from './settings/preferences';
import { listenToShortcuts } from './shortcuts';
import { ShownState } from './shown-state';
import { Account } from './sign-in/account';
import type { Returned } from './sign-in/returned';
import type { Store } from './sign-in/store';
import { Toolbar } from './toolbar';
import { TimeTravel } from './travel/time-travel';
import type { Shown } from './ui/account-panel';
import { problemText } from './ui/account-problem';
import { AlertBanner } from './ui/alerts';
import { countRequests, DataUseLine } from './ui/data-use';
import { Announcer } from './ui/announcer';
import { Dialogs } from './ui/dialogs';
import { byId, h, setText } from './ui/dom';
import { EVERYTHING, type Filter } from './ui/filter';
import { FilterBanner } from './ui/filter-banner';
import { closeList, furnish, openList } from './ui/frame';
import { HintBanner } from './ui/hint';
import { LateCard } from './ui/late-card';
import { ObjectList } from './ui/list';
import { OutageBanner } from './ui/outage';
import { StatusChip } from './ui/status';
import { applyTheme } from './ui/theme';
import type { Tools } from './ui/tools';

const PANEL_MS = 500;

/** The page: takes the user's input and draws every part from one scene. */
export class App implements PageActions {
  readonly #past = new Past();
  readonly #flights = new Flights();
  readonly #live = new Live({ onMessage: () => this.#watch(), token: () => this.#account.token() });
  readonly #line: Line;
  readonly #dataUse = new DataUseLine();
  readonly #here = new Here();
  readonly #choices: Choices;
  readonly #shown: ShownState;
  readonly #followed: Followed;
  readonly #favourites = new Favourites();
  readonly #board: Board;
  readonly #camera: Camera;
  readonly #list: ObjectList;
  readonly #card: LateCard;
  readonly #alerts: AlertBanner;
  readonly #announcer = new Announcer();
  readonly #status = new StatusChip();
  readonly #outage = new OutageBanner(() => this.#live.connection.retry());
  readonly #toolbar: Toolbar;
  readonly #account: Account;
  readonly #notifications: Notifications;
  readonly #travel: TimeTravel;
  readonly #dialogs: Dialogs;
  readonly #hint = new HintBanner();
  readonly #filterBanner = new FilterBanner(() => this.showEverything());
  readonly #links: Links;
  readonly #count = h('span', { class: 'count' });
  readonly #failures = new FirstOfKind();
  /** Draws with the next picture; set once the page draws. */
  #drawSoon = (): void => {};
  #panelAt = 0;

  constructor(config: Config, preferences: Preferences, language: string, store: Store, embed: Embed) {
    this.#account = new Account(store, { changed: () => this.#showAccount(), credentialsChanged: () => this.#live.connection.reconnect() });
    this.#choices = new Choices(preferences, config, language, embed.theme);
    this.#notifications = new Notifications(this.#choices, this.#account);
    const state = readState(location.hash);
    this.#shown = new ShownState(state, config.terrain !== undefined);
    this.#followed = new Followed(state.followed, (device) => this.#showPresent(device));
    this.#line = new Line(this.#live.connection, preferences.data ?? 'auto');
    countRequests(this.#live.connection.traffic);
    applyTheme(this.#choices.theme);
    this.#board = new Board({
      ...config,
      container: byId('map'),
      theme: this.#choices.theme,
      baseMap: this.#choices.baseMap,
      hidden: this.#shown.hidden,
      raised: this.#shown.raised,
      onView: () => this.subscribe(),
      onFailure: (error) => this.#showFailure(error),
      onStyleFailure: () => this.#hint.say(t('base.failed')),
      onPick: (selection) => this.select(selection),
    });
    this.#camera = new Camera(this.#board, () => this.#followed.release());
    this.#dialogs = new Dialogs({
      scene: () => this.#scene(),
      view: () => this.#board.view,
      select: (selection, position) => this.select(selection, true, position),
      seek: (at) => void this.#travel.seek(at), failed: () => this.#hint.say(t('tool.failed')),
    });
    this.#list = new ObjectList((selection, position) => this.select(selection, true, position), () => this.showPanel(), (filter) => this.setFilter(filter), () => void this.#dialogs.openSilent(), ({ device }, position) => this.#showPresent(device, position));
    this.#card = new LateCard(byId('card'), {
      close: () => this.select(undefined),
      follow: (device) => this.toggleFollow(device),
      favourite: (device) => {
        this.#favourites.toggle(device);
        this.showPanel();
      },
      group: (device) => this.setGroup(this.#colours.has(device) ? withoutMember(this.#shown.group!, device) : withMember(this.#shown.group, device)),
      goTo: (position) => this.#goTo(position, this.#shown.selection),
      select: (device) => this.select({ kind: 'device', device }, true),
      showFlight: (flight) => this.#showFlight(flight),
      showData: (device, station) => void this.#dialogs.openData({ device, station }),
    }, { loaded: () => this.showPanel(), failed: () => this.#hint.say(t('tool.failed')) });
    this.#alerts = new AlertBanner(({ device }, position) => this.#showPresent(device, position), () => {
      this.#travel.goLive();
      // A frame has no list.
      if (embed.isEmbedded) void this.#dialogs.openData(undefined, 'alerts');
      this.#list.open('calls');
      openList();
      this.showPanel();
    });
    this.#live.session.onZoneEvents = (events) => {
      if (this.#notifications.areOn) this.#followed.showZoneEvents(this.#watched, events, this.#live.picture);
    };
    this.#travel = new TimeTravel(byId('travel'), {
      moved: () => this.#showTravelled(), loaded: () => this.#drawSoon(), stood: () => this.#links.write(), failed: () => this.#hint.say(t('tool.failed')),
    });
    const page = {
      config, choices: this.#choices, shown: this.#shown, followed: this.#followed, live: this.#live, board: this.#board, travel: this.#travel, dialogs: this.#dialogs, dataUse: this.#dataUse,
      account: this.#account, list: this.#list, scene: () => this.#scene(),
    };
    this.#links = new Links(page, this);
    this.#toolbar = new Toolbar({ ...page, links: this.#links }, this);
    furnish({
      count: this.#count, status: this.#status.element, list: this.#list.element, banners: [this.#alerts.element, this.#outage.element, this.#filterBanner.element, this.#hint.element],
      tools: this.#tools.elements, announcer: this.#announcer.element, isEmbedded: embed.isEmbedded,
    });
    listenToShortcuts({ ...page, tools: this.#tools }, this);
    if (state.at !== undefined) void this.#travel.seek(state.at);
    this.subscribe();
    this.#drawSoon = drawRepeatedly([() => this.#drawMap(), () => this.#drawPanelIfDue()], () => this.#load, (error) => this.#showFailure(error));
  }

  /** `returned`: the identity provider's answer, where the page was left for it. */
  async startAccount(returned: Returned | undefined): Promise<void> {
    // A frame of another page is no place for credentials.
    if (window.top === window) await this.#account.start(returned);
  }

  #showAccount(): void {
    const { status, person, problem } = this.#account.state;
    if (status !== 'off') this.#tools.show('account');
    this.#tools.show('zones', person?.scopes.includes('zone:write') === true);
    // Signed out, there is neither.
    if (!person && this.#shown.alone !== 'all') this.showOnly('all');
    this.#tools.refresh('account');
    if (problem) this.#hint.say(problemText(problem));
  }

  get #tools(): Tools {
    return this.#toolbar.tools;
  }

  get hooks(): Hooks {
    return hooks(this.#live.session, this.#live.picture, this.#board, this.#past, () => this.#travel.past);
  }

  #drawMap(): void {
    this.#travel.update(this.#board.view, Date.now());
    const scene = this.#scene();
    this.#board.draw(scene);
    this.#camera.keepInMiddle(this.#followed.centred, scene);
  }

  /** All that is beside the map, where it is due. */
  #drawPanelIfDue(): void {
    const now = Date.now();
    this.#travel.show(now, this.#choices.formats, this.#shown.hidden);
    if (now - this.#panelAt >= PANEL_MS) this.showPanel();
    this.#links.writeIfDue(now, this.#isPlaying);
    this.#live.prune(now);
  }

  get #load(): Load {
    const { picture } = this.#travel.past?.air ?? this.#live;
    return { aircraft: picture.aircraft.size, playing: this.#isPlaying };
  }

  get #isPlaying(): boolean {
    return this.#travel.past?.playing === true;
  }

  #showFailure(error: unknown): void {
    if (!this.#failures.isFirst(error)) return;
    console.error('a part of the page cannot be drawn', error);
    this.#hint.say(t('draw.failed'));
    this.#hint.show(undefined, Date.now());
  }

  /** After a change between the present and the past, or of the time that is shown. */
  #showTravelled(): void {
    // Asked for before anything is drawn: the server answers meanwhile.
    this.#travel.past?.load(this.#board.view, Date.now());
    if (this.#travel.past) this.#links.markStale();
    this.#board.redrawAtOtherTime();
    // The address may name a time before there is a map to draw.
    if (this.#panelAt > 0) this.showPanel();
    this.#drawSoon();
  }

  get #colours(): ReadonlyMap<number, string> {
    return this.#shown.coloursAt(Date.now());
  }

  /** `live`: the present, also while the past is shown. */
  #scene(live = this.#travel.past === undefined): Scene {
    const { past } = this.#travel;
    const { colour, formats, windBandM } = this.#choices;
    const shown = live || !past ? { picture: this.#live.picture, air: this.#live.air, now: Date.now() } : { picture: past.air.picture, air: past.air, now: past.at };
    return {
      ...shown, isLive: live, selection: this.#shown.selection, followed: this.#followed.devices, past: this.#past, flights: this.#flights,
      favourites: this.#favourites.devices, group: this.#colours, ...this.#chosen, filter: this.#shown.filter, colour, formats, winds: this.#live.winds.all, windBand: this.#shown.windBandM ?? windBandM,
      zones: this.#live.zones.all,
      elevationAt: (lat, lon) => this.#board.elevationAt(lat, lon),
      receiverReport: (id) => this.#live.receivers.get(id),
      arrivalOf: (device, version) => this.#live.arrivalOf(device, version),
      distanceFromHere: (position) => this.#here.distanceTo(position, formats),
    };
  }

  /** Draws what is beside the map; also called by events, of which none fails for what cannot be drawn. */
  showPanel(): void {
    try {
      this.#drawPanel();
    } catch (error) {
      this.#showFailure(error);
    }
  }

  #drawPanel(): void {
    const scene = this.#scene();
    const present = scene.isLive ? scene : this.#scene(true);
    const { now } = present;
    const { session } = this.#live;
    this.#panelAt = now;
    const device = scene.selection?.kind === 'device' ? scene.selection.device : undefined;
    this.#past.want(device, now, this.#shown.flight, scene.isLive ? undefined : aroundTime(scene.now));
    this.#flights.want(device, now);
    this.#camera.moveToFlight(this.#past);
    this.#live.want(this.#board.view, this.#shown.hidden, scene.selection, now);
    this.#toolbar.update(scene);
    // The server may have sent new limits.
    this.subscribe();
    const { aircraft: count, hidden } = this.#list.show(scene, present, this.#board.view, this.#shown.hidden);
    this.#filterBanner.show(this.#shown.filter, this.#shown.alone !== 'all', hidden);
    this.#card.show(scene);
    // Calls for help are those of now, also where the map shows the past.
    this.#alerts.update(present);
    this.#announcer.update(present, session, this.#choices.stored.sound ?? true);
    this.#status.show(session, now, !scene.isLive);
    this.#dataUse.show(this.#live.connection.traffic, session, now);
    this.#outage.show(session, this.#choices.formats, now);
    setText(this.#count, count === 0 ? '' : String(count));
    const title = count === 0 ? 'Updraft' : `Updraft · ${count}`;
    if (document.title !== title) document.title = title;
    this.#notifications.update(this.#watched, now);
    this.#line.watching = this.#notifications.areOn && (this.#followed.devices.size > 0 || scene.group.size > 0);
    const km = this.#live.subscription.liveRadiusKm(this.#board.view);
    this.#hint.show(session.lastError ?? (km === undefined ? undefined : t('hint.region', { distance: this.#choices.formats.distance(km).replace(/\.0 /, ' ') })), now);
  }

  subscribe(): void {
    const { alone, hidden } = this.#shown;
    const fleet = typeof alone === 'string' ? undefined : alone.fleet;
    this.#live.subscription.want(this.#board.view, hidden, this.#watched, fleet, (region) => this.#board.showRegion(region));
  }

  /** Who is followed and in the group, as many as the server allows. */
  get #watched(): number[] {
    const own = this.#shown.alone === 'own' ? this.#account.state.person?.devices ?? [] : [];
    return [...new Set([...this.#followed.devices, ...this.#colours.keys(), ...own])].slice(0, this.#live.session.maxFollowed);
  }

  /** The devices that are shown alone. Those of a fleet are known with the answer to its subscription. */
  get #chosen(): { chosen?: ReadonlySet<number> } {
    if (this.#shown.alone === 'all') return {};
    if (this.#shown.alone === 'own') return { chosen: new Set(this.#account.state.person?.devices) };
    return { chosen: this.#live.picture.fleet ?? new Set() };
  }

  /** Looks for events of followed pilots: with each message, since a hidden page draws nothing. */
  #watch(): void {
    this.#followed.watch(this.#watched, this.#live.picture, this.#notifications.areOn);
  }

  setGroup(group: Group | undefined): void {
    this.#shown.group = group;
    const { filter } = this.#shown;
    if (!group && filter.group) this.#shown.filter = { ...filter, group: false };
    this.#links.write();
    this.subscribe();
    this.#board.redraw();
    this.showPanel();
  }

  /** Moves to its track once that is loaded. */
  #showFlight(flight: PastFlight | undefined): void {
    this.#shown.flight = flight;
    this.#camera.awaitFlight(flight);
    this.#followed.release();
    this.#links.write();
    this.showPanel();
    this.#board.redraw();
  }

  select(selection: Selection | undefined, show = false, elsewhere?: Position): void {
    this.#shown.selection = selection;
    this.#links.write();
    this.showPanel();
    const { picture } = this.#scene();
    const known = selection?.kind === 'device' ? picture.aircraft.get(selection.device) ?? picture.ground.get(selection.device) : undefined;
    const position = known ?? elsewhere;
    if (show) closeList();
    if (!position) return;
    void this.#card.whenPlaced(() => {
      if (show) this.#goTo(position, selection);
      // The selected object must not disappear below its own details.
      else this.#board.reveal(position);
    });
  }

  /** Moves the map to where `selection` is, or to another position: no pilot is kept in the middle any more, except a selected one. */
  #goTo(position: Position, selection: Selection | undefined): void {
    const { centred } = this.#followed;
    if (centred !== undefined && !isSelectedDevice(selection, centred)) this.#followed.release();
    this.#board.goTo(position, CLOSE_ZOOM);
  }

  /** Calls and notifications are of now, also where the map shows the past. */
  #showPresent(device: number, position?: Position): void {
    this.#travel.goLive();
    this.select({ kind: 'device', device }, true, position);
  }

  setFilter(filter: Filter): void {
    this.#shown.filter = filter;
    this.#links.write();
    this.#board.redraw();
    this.showPanel();
  }

  showOnly(alone: Shown): void {
    this.#shown.alone = alone;
    this.#tools.refresh('account');
    this.subscribe();
    this.#board.redraw();
    this.showPanel();
  }

  showEverything(): void {
    if (this.#shown.alone !== 'all') this.showOnly('all');
    this.setFilter(EVERYTHING);
  }

  toggleFollow(device: number): void {
    const most = this.#live.session.maxFollowed;
    const dropped = this.#followed.toggle(device, most);
    if (dropped !== undefined) {
      const { picture } = this.#live;
      const who = picture.aircraft.get(dropped)?.name ?? picture.ground.get(dropped)?.name ?? formatAddress(dropped);
      this.#hint.say(t('follow.limit', { count: most, who }));
    }
    this.#links.write();
    this.subscribe();
    this.showPanel();
  }

  locate(): void {
    this.#here.locate((position, first) => {
      this.#board.showHere(position);
      if (first) this.#goTo(position, undefined);
    }, () => this.#hint.say(t('locate.denied')));
  }

  setVisible(key: LayerKey, visible: boolean): void {
    if (visible) this.#shown.hidden.delete(key);
    else this.#shown.hidden.add(key);
    this.#board.setVisible(key, visible);
    // The bands are offered with their layer.
    if (key === 'winds') this.#tools.refresh('layers');
    this.#links.write();
    this.subscribe();
  }

  setRaised(raised: boolean): void {
    this.#shown.raised = raised;
    this.#board.setRaised(raised);
    this.#tools.showSwitches();
    this.#links.write();
  }

  prefer(change: Partial<Preferences>): void {
    this.#choices.change(change);
    if (change.language !== undefined) this.#reload();
    if (change.notify) void this.#notifications.ask().then((allowed) => { if (!allowed) this.#showRefusal(); });
    else if (change.notify === false) void this.#notifications.end();
    if (change.windBand !== undefined) this.#shown.windBandM = undefined;
    if (change.data !== undefined) this.#line.choice = change.data;
    if (change.theme !== undefined) {
      applyTheme(change.theme);
      this.#board.setTheme(change.theme);
    }
    if (change.baseMap !== undefined) this.#board.setBaseMap(change.baseMap);
    if (change.colour !== undefined) this.#tools.refresh('legend');
    this.#board.redraw();
    this.showPanel();
  }

  /** In the language that is chosen now. */
  #reload(): void {
    history.replaceState(history.state, '', withoutLanguage(location.href));
    location.reload();
  }

  #showRefusal(): void {
    this.#tools.refresh('settings');
    this.#hint.say(t('notify.denied'));
  }

  async signOut(): Promise<void> {
    await this.#notifications.end();
    await this.#account.signOut();
  }
}
