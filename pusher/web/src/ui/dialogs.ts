import type { Position, View } from 'updraft-client';
import type { DataView, DeviceSubject } from '../data/data-view';
import type { RegionTable } from '../data/table';
import type { Group } from '../group';
import type { Scene } from '../map/scene';
import type { Selection } from '../selection';
import type { Compare } from './compare';
import type { SilentView } from './silent';

export interface DialogActions {
  scene: () => Scene;
  view: () => View;
  select: (selection: Selection, position?: Position) => void;
  /** Shows a time of the past. */
  seek: (at: number) => void;
  /** The code of a dialog cannot be loaded now. */
  failed: () => void;
}

/** The dialogs over the map: table and charts, comparison of a group, aircraft that are silent. Each is loaded when it is opened first. */
export class Dialogs {
  readonly #actions: DialogActions;
  #data: DataView | undefined;
  #silent: SilentView | undefined;
  #compare: Compare | undefined;

  constructor(actions: DialogActions) {
    this.#actions = actions;
  }

  /** `subject`: the device whose past is shown; absent: the objects of the region, of a `kind` or of the last one. */
  async openData(subject?: DeviceSubject, kind?: RegionTable): Promise<void> {
    const code = await this.#loaded(import('../data/data-view'));
    if (!code) return;
    this.#data ??= new code.DataView(this.#actions);
    this.#data.open(subject, kind);
  }

  async openSilent(): Promise<void> {
    const code = await this.#loaded(import('./silent'));
    if (!code) return;
    const { scene, view, seek, select } = this.#actions;
    this.#silent ??= new code.SilentView({
      scene, view,
      show: ({ device, position }, at) => {
        seek(at);
        select({ kind: 'device', device }, position);
      },
    });
    this.#silent.open();
  }

  async openCompare(group: Group | undefined): Promise<void> {
    const code = await this.#loaded(import('./compare'));
    if (!code) return;
    this.#compare ??= new code.Compare(this.#actions.scene);
    this.#compare.open(group?.members ?? []);
  }

  #loaded<T>(code: Promise<T>): Promise<T | undefined> {
    return code.catch(() => {
      this.#actions.failed();
      return undefined;
    });
  }
}
