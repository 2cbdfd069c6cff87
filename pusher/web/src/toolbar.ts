import { baseMapsOf, type Config } from './config';
import type { Followed } from './followed';
import { withMember, type Group } from './group';
import type { Links } from './links';
import type { Live } from './live/live';
import type { Wind } from './live/winds';
import type { Board } from './map/board';
import { CLOSE_ZOOM } from './map/camera';
import type { Scene } from './map/scene';
import type { PageActions } from './page-actions';
import type { Choices } from './settings/choices';
import type { ShownState } from './shown-state';
import type { Account } from './sign-in/account';
import type { TimeTravel } from './travel/time-travel';
import type { AccountPanel } from './ui/account-panel';
import type { DataUseLine } from './ui/data-use';
import type { Dialogs } from './ui/dialogs';
import { byId } from './ui/dom';
import { toggleList } from './ui/frame';
import type { GroupPanel } from './ui/group-panel';
import { keyHelp } from './ui/keys';
import { Tools } from './ui/tools';
import type { ZonePanel } from './zones/panel';

export interface ToolbarSubjects {
  config: Config;
  choices: Choices;
  shown: ShownState;
  followed: Followed;
  links: Links;
  live: Live;
  board: Board;
  travel: TimeTravel;
  dialogs: Dialogs;
  dataUse: DataUseLine;
  account: Account;
  /** The newest. */
  scene: () => Scene;
}

/** The tools of the map, and the panels that they open: the code of each is loaded when it is opened first. */
export class Toolbar {
  readonly tools: Tools;
  readonly #page: ToolbarSubjects;
  readonly #actions: PageActions;
  #account: AccountPanel | undefined;
  #group: GroupPanel | undefined;
  #zones: ZonePanel | undefined;
  #countedWinds: readonly Wind[] = [];

  constructor(page: ToolbarSubjects, actions: PageActions) {
    this.#page = page;
    this.#actions = actions;
    const { config, choices, shown, dialogs, travel } = page;
    this.tools = new Tools([
      { label: 'tool.list', icon: 'list', act: toggleList, controls: 'panel', small: true },
      { label: 'tool.layers', icon: 'layers', popover: { id: 'layers', content: () => this.#layers() } },
      { label: 'tool.legend', icon: 'key', popover: { id: 'legend', content: async () => (await import('./ui/legend')).legend(choices.colour, choices.formats) } },
      { label: 'tool.group', icon: 'group', popover: { id: 'group', content: () => this.#groupTools() } },
      { label: 'tool.data', icon: 'table', act: () => void dialogs.openData() },
      { label: 'tool.travel', icon: 'clock', act: () => travel.toggle() },
      ...(config.terrain ? [{ label: 'tool.terrain', icon: 'terrain', act: () => actions.setRaised(!shown.raised), isOn: () => shown.raised } as const] : []),
      { label: 'tool.locate', icon: 'locate', act: () => actions.locate() },
      {
        label: 'tool.account', icon: 'account', hidden: true,
        popover: { id: 'account', content: () => this.#accountTools() },
      },
      { label: 'tool.zones', icon: 'zones', hidden: true, popover: { id: 'zones', content: () => this.#zoneTools() } },
      { label: 'tool.settings', icon: 'settings', popover: { id: 'settings', content: () => this.#settings() } },
      { label: 'tool.help', icon: 'help', keyboard: true, popover: { id: 'help', content: keyHelp } },
    ]);
  }

  /** Shows what the open panels have of now. */
  update(scene: Scene): void {
    const { live, shown } = this.#page;
    if (live.winds.all !== this.#countedWinds) void this.#countWinds().catch(() => undefined);
    this.#group?.show(scene, shown.group, live.session.maxFollowed);
  }

  /** The person, and the views that the account keeps. */
  async #accountTools(): Promise<HTMLElement> {
    const { AccountPanel } = await import('./ui/account-panel');
    const { account, shown, choices, links } = this.#page;
    this.#account ??= new AccountPanel({
      show: (alone) => this.#actions.showOnly(alone), signIn: () => void account.signIn(), signOut: () => void this.#actions.signOut(), token: () => account.token(),
      state: () => links.mapState, open: (state) => links.openView(state), preferences: () => choices.stored, prefer: (change) => this.#actions.prefer(change),
    });
    return this.#account.show(account.state, shown.alone, choices.formats);
  }

  async #groupTools(): Promise<HTMLElement> {
    const { GroupPanel } = await import('./ui/group-panel');
    const { shown, followed, dialogs, board, scene } = this.#page;
    this.#group ??= new GroupPanel({
      change: (group) => this.#actions.setGroup(group),
      fromFollowed: () => this.#actions.setGroup([...followed.devices].reduce<Group | undefined>(withMember, shown.group)),
      select: (device) => this.#actions.select({ kind: 'device', device }, true),
      setOnly: (only) => this.#actions.setFilter({ ...shown.filter, group: only }),
      compare: () => void dialogs.openCompare(shown.group),
      fit: () => {
        const { picture, group } = scene();
        board.fit([...group.keys()].flatMap((device) => picture.aircraft.get(device) ?? picture.ground.get(device) ?? []), CLOSE_ZOOM);
      },
    });
    this.#actions.showPanel();
    return this.#group.element;
  }

  /** Drawing and importing of zones. */
  async #zoneTools(): Promise<HTMLElement> {
    const { ZonePanel } = await import('./zones/panel');
    const { account, board, live: { zones } } = this.#page;
    this.#zones ??= new ZonePanel({
      token: () => account.token(),
      capture: (take) => board.capture(take),
      draw: (corners) => board.showDraft(corners),
      changed: () => {
        zones.forget();
        this.#actions.showPanel();
      },
      sets: () => zones.sets,
    });
    this.#zones.show();
    return this.#zones.element;
  }

  async #layers(): Promise<HTMLElement> {
    const { layerPanel } = await import('./ui/panels');
    const { config, choices, shown, live } = this.#page;
    const { baseMap, colour, windBandM: windBand, formats } = choices;
    return layerPanel({
      hidden: shown.hidden, baseMaps: baseMapsOf(config), baseMap, styleUrl: config.styleUrl, hasTerrain: config.terrain !== undefined, colour, winds: live.winds.all, windBand, formats,
      setVisible: (key, visible) => this.#actions.setVisible(key, visible),
      setBaseMap: (chosen) => this.#actions.prefer({ baseMap: chosen }),
      setColour: (chosen) => this.#actions.prefer({ colour: chosen }),
      setWindBand: (chosen) => this.#actions.prefer({ windBand: chosen }),
    });
  }

  /** In the open panel: the winds come after its drawing. */
  async #countWinds(): Promise<void> {
    const { live, choices } = this.#page;
    this.#countedWinds = live.winds.all;
    if (!document.querySelector('[name=wind-band]')) return;
    const { showBands } = await import('./ui/panels');
    showBands(byId('layers'), live.winds.all, choices.formats);
  }

  async #settings(): Promise<HTMLElement> {
    const { settingsPanel } = await import('./ui/panels');
    const { stored, theme, language } = this.#page.choices;
    return settingsPanel({ ...stored, theme, language }, (change) => this.#actions.prefer(change), this.#page.dataUse.element);
  }
}
