import type { Formats } from '../settings/formats';
import { h, setText } from '../ui/dom';
import { alertsTab } from './alerts';
import { hashOf, tabAddressOf } from './address';
import { Api, type Receipt } from './api';
import { auditTab } from './audit';
import type { Caller } from './caller';
import { confirm } from './confirmation';
import type { Credentials } from './credentials';
import { deadLettersTab } from './dead-letters';
import { APPLIED_MS, type Change, type TabContent, type TabContext } from './tab-content';
import { devicesTab } from './devices';
import { fleetsTab } from './fleets';
import { keysTab } from './keys';
import { receiversTab } from './receivers';
import { refusalText } from './refusal';
import { Reload } from './reload';
import { restrictionsTab } from './restrictions';
import { signInForm } from './sign-in-form';
import { Tabs, type Tab } from './tabs';
import { t, type Key } from './texts';

interface TabKind extends Tab {
  /** The scope that its list needs; undefined: none. */
  scope?: string;
  make: (context: TabContext) => TabContent;
}

const TABS: readonly TabKind[] = [
  { id: 'alerts', label: 'tab.alerts', make: alertsTab },
  { id: 'devices', label: 'tab.devices', scope: 'validation:read', make: devicesTab },
  { id: 'restrictions', label: 'tab.restrictions', scope: 'device:manage_any', make: restrictionsTab },
  { id: 'receivers', label: 'tab.receivers', make: receiversTab },
  { id: 'dead-letters', label: 'tab.dead-letters', scope: 'dead_letter:read', make: deadLettersTab },
  { id: 'audit', label: 'tab.audit', scope: 'audit:read', make: auditTab },
  { id: 'keys', label: 'tab.keys', scope: 'key:read', make: keysTab },
  { id: 'fleets', label: 'tab.fleets', scope: 'fleet:manage', make: fleetsTab },
];

/** The page: who uses it, the tabs, and the result of the newest change. */
export class Page {
  readonly #credentials: Credentials;
  readonly #formats: Formats;
  readonly #api: Api;
  readonly #who = h('span', { class: 'who' });
  readonly #pause = h('button', { type: 'button', class: 'action', id: 'pause', 'aria-pressed': 'false', onclick: () => this.#setPaused(!this.#isPaused) }, t('reload.pause'));
  readonly #reloadNow = h('button', { type: 'button', class: 'action', id: 'reload', onclick: () => void this.#reload?.now() }, t('reload.now'));
  readonly #signOut = h('button', { type: 'button', class: 'action', id: 'sign-out', onclick: () => void this.#credentials.signOut() }, t('sign.out'));
  readonly #tools = h('div', { class: 'page-tools' }, this.#who, this.#reloadNow, this.#pause, this.#signOut);
  readonly #tabs: Tabs;
  /** Of the newest change; the only live region beside the problems. */
  readonly #result = h('p', { class: 'result', role: 'status' });
  readonly #problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  readonly #loaded = h('p', { class: 'small loaded' });
  readonly #panel = h('section', { id: 'content', role: 'tabpanel', tabindex: 0 });
  readonly #main = h('main');
  #shown: { id: string; content: TabContent | undefined } | undefined;
  #reload: Reload | undefined;
  #isPaused = false;

  constructor(credentials: Credentials, formats: Formats) {
    this.#credentials = credentials;
    this.#formats = formats;
    this.#api = new Api(() => credentials.token());
    this.#api.onsignedout = (refusal) => credentials.refused(refusal);
    this.#tabs = new Tabs(TABS, 'content', (id) => { location.hash = hashOf(id); });
    credentials.onchange = () => this.#render();
    addEventListener('hashchange', () => this.#render());
    this.#panel.addEventListener('reload', () => void this.#reload?.now());
    document.body.append(
      h('header', { class: 'page-head' }, h('h1', {}, h('img', { src: './favicon.svg', alt: '', width: 26, height: 26 }), t('title')), h('a', { class: 'file', href: './' }, t('map')), this.#tools),
      this.#main);
    this.#render();
  }

  #render(): void {
    const { state } = this.#credentials;
    this.#tools.hidden = state.status !== 'in';
    if (state.status !== 'in') {
      this.#close();
      this.#main.replaceChildren(signInForm(state, this.#credentials));
      return;
    }
    setText(this.#who, t('sign.as', { name: state.caller.name }));
    const { tab, subject } = tabAddressOf(location.hash);
    const kind = TABS.find(({ id }) => id === tab) ?? TABS[0]!;
    if (this.#shown?.id !== kind.id) this.#open(kind, state.caller);
    if (subject === '' || !this.#shown?.content?.about) return;
    this.#shown.content.about(subject);
    void this.#reload?.now();
  }

  #open(kind: TabKind, caller: Caller): void {
    this.#close();
    const isAllowed = kind.scope === undefined || caller.scopes.has(kind.scope);
    const content = isAllowed ? kind.make(this.#context(caller)) : undefined;
    this.#shown = { id: kind.id, content };
    document.title = `${t(kind.label)} – ${t('title')}`;
    this.#tabs.select(kind.id);
    this.#panel.setAttribute('aria-labelledby', `tab-${kind.id}`);
    this.#panel.replaceChildren(content?.element ?? h('p', { class: 'problem' }, t('tab.forbidden', { scope: kind.scope ?? '' })));
    this.#problem.hidden = true;
    this.#result.textContent = '';
    this.#loaded.textContent = '';
    if (!this.#tabs.element.isConnected) this.#main.replaceChildren(this.#tabs.element, this.#result, this.#problem, this.#panel, this.#loaded);
    this.#pause.hidden = content?.everyMs === undefined;
    this.#reloadNow.hidden = content === undefined;
    if (!content) return;
    this.#reload = new Reload(() => this.#load(content), content.everyMs, this.#isPaused);
    void this.#reload.now();
  }

  #close(): void {
    this.#reload?.stop();
    this.#reload = undefined;
    this.#shown = undefined;
  }

  async #load(content: TabContent): ReturnType<TabContent['load']> {
    const refusal = await content.load();
    if (this.#shown?.content !== content) return refusal;
    const text = refusal ? refusalText(refusal) : '';
    this.#problem.hidden = !refusal;
    // An alert is read out when its text changes: not at each attempt.
    setText(this.#problem, text);
    if (!refusal) setText(this.#loaded, t('loaded', { time: this.#formats.timeOfDay(Date.now()) }));
    return refusal;
  }

  #context(caller: Caller): TabContext {
    return { api: this.#api, formats: this.#formats, caller, change: (change) => this.#change(change) };
  }

  async #change({ question, request, done }: Change): Promise<boolean> {
    const before = document.activeElement;
    let isDone = false;
    const answer = await confirm(question);
    if (answer) {
      setText(this.#result, t('change.sending'));
      this.#result.classList.remove('failed');
      const { body, refusal } = await request(answer.remark, answer.position);
      isDone = refusal === undefined;
      this.#result.classList.toggle('failed', !isDone);
      setText(this.#result, refusal ? t('change.failed', { why: refusalText(refusal) }) : resultText(done, body));
      void this.#reload?.now();
      setTimeout(() => void this.#reload?.now(), APPLIED_MS);
    }
    if (before instanceof HTMLElement && before.isConnected) before.focus();
    return isDone;
  }

  #setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#pause.setAttribute('aria-pressed', String(isPaused));
    this.#reload?.pause(isPaused);
  }
}

function resultText(done: string, { record_id: record, stored }: Receipt = {}): string {
  if (stored) return done;
  // Without a record everything was as it asks already.
  const key: Key = record === undefined ? 'change.unchanged' : 'change.written';
  return t(key, { done, record: record ?? '' });
}
