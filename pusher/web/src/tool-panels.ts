import { baseMapsOf } from './config';
import { withMember, type Group } from './group';
import type { Wind } from './live/winds';
import { CLOSE_ZOOM } from './map/camera';
import type { Scene } from './map/scene';
import type { PageActions } from './page-actions';
import type { ToolbarSubjects } from './toolbar';
import type { AccountPanel } from './ui/account-panel';
import { byId } from './ui/dom';
import type { GroupPanel } from './ui/group-panel';
import type { ZonePanel } from './zones/panel';

/** What the tools open. Loaded with the first of them; the parts of each are loaded when it is opened first. */
export class ToolPanels {
  readonly #page: ToolbarSubjects;
  readonly #actions: PageActions;
  #account: AccountPanel | undefined;
  #group: GroupPanel | undefined;
  #zones: ZonePanel | undefined;
  #countedWinds: readonly Wind[] = [];

  constructor(page: ToolbarSubjects, actions: PageActions) {
    this.#page = page;
    this.#actions = actions;
  }

  /** Shows what the open ones have of now. */
  update(scene: Scene): void {
    const { live, shown } = this.#page;
    if (live.winds.all !== this.#countedWinds) void this.#countWinds().catch(() => undefined);
    this.#group?.show(scene, shown.group, live.session.maxFollowed);
  }

  async legend(): Promise<HTMLElement> {
    const { legend } = await import('./ui/legend');
    const { colour, formats } = this.#page.choices;
    return legend(colour, formats);
  }

  /** The person, and the views that the account keeps. */
  async account(): Promise<HTMLElement> {
    const { AccountPanel } = await import('./ui/account-panel');
    const { account, shown, choices, links } = this.#page;
    this.#account ??= new AccountPanel({
      show: (alone) => this.#actions.showOnly(alone), signIn: () => void account.signIn(), signOut: () => void this.#actions.signOut(), token: () => account.token(),
      state: () => links.mapState, open: (state) => links.openView(state), preferences: () => choices.stored, prefer: (change) => this.#actions.prefer(change),
    });
    return this.#account.show(account.state, shown.alone, choices.formats);
  }

  async group(): Promise<HTMLElement> {
    const { GroupPanel } = await import('./ui/group-panel');
    const { shown, followed, dialogs, board, scene } = this.#page;
    this.#group ??= new GroupPanel({
      change: (group) => this.#actions.setGroup(group),
      fromFollowed: () => this.#actions.setGroup([...followed.devices].reduce<Group | undefined>(withMember, shown.group)),
      select: (device, lastHeard) => this.#actions.select({ kind: 'device', device }, true, lastHeard),
      setOnly: (only) => this.#actions.setFilter({ ...shown.filter, group: only }),
      compare: () => void dialogs.openCompare(shown.group),
      fit: () => {
        followed.release();
        board.fit(this.#group!.positions(scene()), CLOSE_ZOOM);
      },
    });
    this.#actions.showPanel();
    return this.#group.element;
  }

  /** Drawing and importing of zones. */
  async zones(): Promise<HTMLElement> {
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

  async layers(): Promise<HTMLElement> {
    const { layerPanel } = await import('./ui/panels');
    const { config, choices, shown, live } = this.#page;
    const { baseMap, colour, formats } = choices;
    return layerPanel({
      hidden: shown.hidden, baseMaps: baseMapsOf(config), baseMap, styleUrl: config.styleUrl, hasTerrain: config.terrain !== undefined, colour, winds: live.winds.all, windBand: shown.windBandM ?? choices.windBandM, formats,
      setVisible: (key, visible) => this.#actions.setVisible(key, visible),
      setBaseMap: (chosen) => this.#actions.prefer({ baseMap: chosen }),
      setColour: (chosen) => this.#actions.prefer({ colour: chosen }),
      setWindBand: (chosen) => this.#actions.prefer({ windBand: chosen }),
    });
  }

  async settings(): Promise<HTMLElement> {
    const { settingsPanel } = await import('./ui/panels');
    const { stored, theme, language } = this.#page.choices;
    return settingsPanel({ ...stored, theme, language }, (change) => this.#actions.prefer(change), this.#page.dataUse.element);
  }

  /** In the open panel: the winds come after its drawing. */
  async #countWinds(): Promise<void> {
    const { live, choices } = this.#page;
    this.#countedWinds = live.winds.all;
    if (!document.querySelector('[name=wind-band]')) return;
    const { showBands } = await import('./ui/panels');
    showBands(byId('layers'), live.winds.all, choices.formats);
  }
}
