import type { Config } from './config';
import type { Followed } from './followed';
import type { Links } from './links';
import type { Live } from './live/live';
import type { Board } from './map/board';
import type { Scene } from './map/scene';
import type { PageActions } from './page-actions';
import type { Choices } from './settings/choices';
import type { ShownState } from './shown-state';
import type { Account } from './sign-in/account';
import type { ToolPanels } from './tool-panels';
import type { TimeTravel } from './travel/time-travel';
import type { DataUseLine } from './ui/data-use';
import type { Dialogs } from './ui/dialogs';
import { toggleList } from './ui/frame';
import { keyHelp } from './ui/keys';
import { Tools } from './ui/tools';

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

/** The tools of the map. */
export class Toolbar {
  readonly tools: Tools;
  readonly #page: ToolbarSubjects;
  readonly #actions: PageActions;
  #panels: ToolPanels | undefined;

  constructor(page: ToolbarSubjects, actions: PageActions) {
    this.#page = page;
    this.#actions = actions;
    const { config, shown, dialogs, travel } = page;
    const popover = (id: 'layers' | 'legend' | 'group' | 'account' | 'zones' | 'settings') => ({ id, content: async () => (await this.#load())[id]() });
    this.tools = new Tools([
      { label: 'tool.list', icon: 'list', act: toggleList, controls: 'panel', small: true },
      { label: 'tool.layers', icon: 'layers', popover: popover('layers') },
      { label: 'tool.legend', icon: 'key', popover: popover('legend') },
      { label: 'tool.group', icon: 'group', popover: popover('group') },
      { label: 'tool.data', icon: 'table', act: () => void dialogs.openData() },
      { label: 'tool.travel', icon: 'clock', act: () => travel.toggle() },
      ...(config.terrain ? [{ label: 'tool.terrain', icon: 'terrain', act: () => actions.setRaised(!shown.raised), isOn: () => shown.raised } as const] : []),
      { label: 'tool.locate', icon: 'locate', act: () => actions.locate() },
      { label: 'tool.account', icon: 'account', hidden: true, popover: popover('account') },
      { label: 'tool.zones', icon: 'zones', hidden: true, popover: popover('zones') },
      { label: 'tool.settings', icon: 'settings', popover: popover('settings') },
      { label: 'tool.help', icon: 'help', keyboard: true, popover: { id: 'help', content: keyHelp } },
    ]);
  }

  /** Shows what the open panels have of now. */
  update(scene: Scene): void {
    this.#panels?.update(scene);
  }

  async #load(): Promise<ToolPanels> {
    const { ToolPanels } = await import('./tool-panels');
    return this.#panels ??= new ToolPanels(this.#page, this.#actions);
  }
}
