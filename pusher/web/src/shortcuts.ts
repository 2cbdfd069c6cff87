import { THEMES } from './basemap/theme';
import type { Config } from './config';
import { COLOUR_SCALES } from './map/symbols/colour';
import type { PageActions } from './page-actions';
import type { Choices } from './settings/choices';
import type { ShownState } from './shown-state';
import type { TimeTravel } from './travel/time-travel';
import type { Dialogs } from './ui/dialogs';
import { openList } from './ui/frame';
import { onKeys } from './ui/keys';
import type { ObjectList } from './ui/list';
import type { Tools } from './ui/tools';

export interface ShortcutSubjects {
  config: Config;
  choices: Choices;
  shown: ShownState;
  list: ObjectList;
  tools: Tools;
  dialogs: Dialogs;
  travel: TimeTravel;
}

/** Gives the keys of the help their actions. */
export function listenToShortcuts({ config, choices, shown, list, tools, dialogs, travel }: ShortcutSubjects, actions: PageActions): void {
  onKeys({
    '/': () => {
      openList();
      list.focusSearch();
    },
    '?': () => tools.toggle('help'),
    k: () => {
      openList();
      list.toggleFilter();
    },
    x: () => actions.showEverything(),
    l: () => tools.toggle('layers'),
    s: () => tools.toggle('settings'),
    d: () => void dialogs.openData(),
    3: () => { if (config.terrain) actions.setRaised(!shown.raised); },
    p: () => {
      if (travel.isOpen) void travel.togglePlaying();
      else travel.toggle();
    },
    n: () => travel.close(),
    u: () => void dialogs.openSilent(),
    g: () => tools.toggle('group'),
    t: () => actions.prefer({ theme: nextOf(THEMES, choices.theme) }),
    c: () => actions.prefer({ colour: nextOf(COLOUR_SCALES, choices.colour) }),
    f: () => { if (shown.selection?.kind === 'device') actions.toggleFollow(shown.selection.device); },
    escape: () => { if (!tools.close()) actions.select(undefined); },
  }, () => choices.stored.keys ?? true);
}

function nextOf<T>(all: readonly T[], one: T): T {
  return all[(all.indexOf(one) + 1) % all.length]!;
}
