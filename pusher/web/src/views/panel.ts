import type { Preferences } from '../settings/preferences';
import { t, type TextKey } from '../settings/language';
import { h, setText } from '../ui/dom';
import { MAX_NAME, savedFrom, settingsOf, stateOf, withoutView, withSettings, withView, type Kept, type MapState } from './saved-views';
import { changeKept, readKept } from './store';

export interface ViewActions {
  token: () => Promise<string | undefined>;
  /** What the map shows now. */
  state: () => MapState;
  /** Shows a saved view. */
  open: (state: MapState) => void;
  preferences: () => Preferences;
  prefer: (preferences: Preferences) => void;
}

/** The views and settings that the account keeps: saves, shows and removes them. */
export class ViewPanel {
  readonly #actions: ViewActions;
  readonly #list = h('ul', { class: 'members' });
  readonly #name = h('input', { type: 'text', name: 'view-name', maxlength: MAX_NAME, required: true, autocomplete: 'off' });
  readonly #use = button('views.use', () => this.#useSettings());
  readonly #message = h('p', { class: 'small', role: 'status' });
  readonly element: HTMLElement;
  /** Undefined: not loaded. */
  #kept: Kept | undefined;
  #who = '';
  #isBusy = false;

  constructor(actions: ViewActions) {
    this.#actions = actions;
    const form = h('form', { class: 'save-view' }, h('label', { class: 'field' }, h('span', {}, t('views.name')), this.#name), h('button', { type: 'submit', class: 'action primary' }, t('views.save')));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#save(this.#name.value.trim());
    });
    this.element = h('section', { class: 'views', 'aria-labelledby': 'views-title' },
      h('h2', { id: 'views-title' }, t('views.title')), this.#list, form,
      h('h2', {}, t('views.settings')), h('p', { class: 'small' }, t('views.note')),
      h('div', { class: 'actions' }, button('views.keep', () => void this.#keepSettings()), this.#use), this.#message);
  }

  /** Loads them once for each person. */
  show(who: string): void {
    if (who === this.#who && (this.#kept || this.#isBusy)) return;
    this.#who = who;
    this.#kept = undefined;
    this.#draw();
    void this.#attempt('views.failed', async () => { this.#kept = await readKept(await this.#actions.token()); });
  }

  #draw(): void {
    const views = this.#kept?.views ?? [];
    this.#list.replaceChildren(...views.map((view) => h('li', {},
      h('button', { type: 'button', class: 'action open-view', onclick: () => this.#actions.open(stateOf(view, this.#actions.state())) }, view.name),
      h('button', { type: 'button', class: 'close', 'aria-label': t('views.remove', { name: view.name }), onclick: () => void this.#remove(view.name) }, '×'))));
    this.#list.hidden = views.length === 0;
    this.#use.hidden = !this.#kept || Object.keys(settingsOf(this.#kept)).length === 0;
  }

  async #save(name: string): Promise<void> {
    if (name === '') return;
    const view = savedFrom(name, this.#actions.state());
    if (await this.#change((kept) => withView(kept, view), t('views.saved', { name }))) this.#name.value = '';
  }

  async #remove(name: string): Promise<void> {
    await this.#change((kept) => withoutView(kept, name), t('views.removed', { name }));
    // The button that had the keyboard's focus is removed.
    this.#name.focus();
  }

  async #keepSettings(): Promise<void> {
    await this.#change((kept) => withSettings(kept, this.#actions.preferences()), t('views.kept'));
  }

  #useSettings(): void {
    if (this.#kept) this.#actions.prefer(settingsOf(this.#kept));
  }

  #change(change: (kept: Kept) => Kept, done: string): Promise<boolean> {
    return this.#attempt('views.refused', async () => {
      this.#kept = await changeKept(await this.#actions.token(), change);
      setText(this.#message, done);
    });
  }

  /** One request at a time, with its outcome for the user. False: it failed, or is not made. */
  async #attempt(failure: TextKey, act: () => Promise<void>): Promise<boolean> {
    if (this.#isBusy) return false;
    this.#isBusy = true;
    const who = this.#who;
    setText(this.#message, '');
    try {
      await act();
      return true;
    } catch (error) {
      setText(this.#message, t(failure, { reason: error instanceof Error ? error.message : String(error) }));
      return false;
    } finally {
      this.#isBusy = false;
      // Another person may have signed in meanwhile.
      if (who !== this.#who) {
        this.#kept = undefined;
        this.show(this.#who);
      }
      this.#draw();
    }
  }
}

function button(label: TextKey, act: () => void): HTMLButtonElement {
  return h('button', { type: 'button', class: 'action', onclick: act }, t(label));
}
