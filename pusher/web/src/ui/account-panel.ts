import type { Formats } from '../settings/formats';
import { t } from '../settings/language';
import type { AccountState } from '../sign-in/account';
import type { Problem } from '../sign-in/problem';
import { h } from './dom';

const ROLES = ['viewer', 'pilot', 'fleet_manager', 'rescue', 'operator'] as const;

export interface AccountActions {
  signIn: () => void;
  signOut: () => void;
}

/** Who is signed in, with which roles and until when; or the way to sign in. */
export function accountPanel({ status, person, problem }: AccountState, formats: Formats, { signIn, signOut }: AccountActions): HTMLElement {
  const isIn = status === 'in';
  const roles = person?.roles.map(roleText).join(', ') ?? '';
  return h('div', { class: 'account' },
    h('p', { class: 'who' }, person ? t('sign.as', { name: person.name }) : t(status === 'busy' ? 'sign.busy' : isIn ? 'sign.unknown' : 'sign.none')),
    roles !== '' && h('p', { class: 'roles' }, t('sign.roles', { roles })),
    person?.expiresAt !== undefined && h('p', { class: 'until' }, t('sign.until', { time: formats.timeOfDay(person.expiresAt) })),
    problem && h('p', { class: 'problem', role: 'alert' }, problemText(problem)),
    isIn ? h('button', { type: 'button', class: 'action', onclick: signOut }, t('sign.out'))
      : h('button', { type: 'button', class: 'action primary', disabled: status === 'busy', onclick: signIn }, t('sign.in')));
}

export function problemText(problem: Problem): string {
  return t(`sign.problem.${problem}`);
}

/** A role that this page does not know is shown as it is. */
function roleText(role: string): string {
  const known = ROLES.find((one) => one === role);
  return known ? t(`role.${known}`) : role;
}
