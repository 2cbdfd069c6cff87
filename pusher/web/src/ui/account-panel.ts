import type { Formats } from '../settings/formats';
import { t } from '../settings/language';
import type { AccountState, Person } from '../sign-in/account';
import { ViewPanel, type ViewActions } from '../views/panel';
import { problemText } from './account-problem';
import { selection } from './choices';
import { h } from './dom';

const ROLES = ['viewer', 'pilot', 'fleet_manager', 'rescue', 'operator'] as const;

/** What of the map is shown: everything, the own devices, or a fleet. */
export type Shown = 'all' | 'own' | { fleet: string };

export interface AccountActions extends ViewActions {
  show: (shown: Shown) => void;
  signIn: () => void;
  signOut: () => void;
}

/** Who is signed in, with which roles and until when, and what the account keeps; or the way to sign in. */
export class AccountPanel {
  readonly #actions: AccountActions;
  readonly #who = h('div');
  readonly #views: ViewPanel;
  readonly element: HTMLElement;

  constructor(actions: AccountActions) {
    this.#actions = actions;
    this.#views = new ViewPanel(actions);
    this.element = h('div', { class: 'account' }, this.#who, this.#views.element);
  }

  show({ status, person, problem }: AccountState, shown: Shown, formats: Formats): HTMLElement {
    const { show, signIn, signOut } = this.#actions;
    const isIn = status === 'in';
    const roles = person?.roles.map(roleText).join(', ') ?? '';
    const parts = [
      h('p', { class: 'who' }, person ? t('sign.as', { name: person.name }) : t(status === 'busy' ? 'sign.busy' : isIn ? 'sign.unknown' : 'sign.none')),
      roles !== '' && h('p', { class: 'roles' }, t('sign.roles', { roles })),
      person?.expiresAt !== undefined && h('p', { class: 'until' }, t('sign.until', { time: formats.timeOfDay(person.expiresAt) })),
      person && (person.devices.length > 0 || person.fleets.length > 0) && whatIsShown(person, shown, show),
      problem && h('p', { class: 'problem', role: 'alert' }, problemText(problem)),
      isIn ? h('button', { type: 'button', class: 'action', onclick: signOut }, t('sign.out'))
        : h('button', { type: 'button', class: 'action primary', disabled: status === 'busy', onclick: signIn }, t('sign.in')),
    ];
    this.#who.replaceChildren(...parts.filter((part) => part instanceof Node));
    this.#views.element.hidden = person === undefined;
    if (person) this.#views.show(person.name);
    return this.element;
  }
}

/** Fleets and own devices, of which one can be shown alone. */
function whatIsShown({ devices, fleets }: Person, shown: Shown, show: (shown: Shown) => void): HTMLElement {
  const options: [string, string][] = [['all', t('account.all')]];
  if (devices.length > 0) options.push(['own', t('account.own', { count: devices.length })]);
  options.push(...fleets.map(({ id, name }): [string, string] => [`fleet:${id}`, t('account.fleet', { name })]));
  const chosen = typeof shown === 'string' ? shown : `fleet:${shown.fleet}`;
  return selection('shown', t('account.shown'), options, chosen, (value) => show(value === 'all' || value === 'own' ? value : { fleet: value.slice('fleet:'.length) }));
}

/** A role that this page does not know is shown as it is. */
function roleText(role: string): string {
  const known = ROLES.find((one) => one === role);
  return known ? t(`role.${known}`) : role;
}
