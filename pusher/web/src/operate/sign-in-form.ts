import { problemText } from '../ui/account-problem';
import { h } from '../ui/dom';
import type { Credentials, CredentialsState } from './credentials';
import { refusalText } from './refusal';
import { t } from './texts';

/** The ways in: the identity provider where there is one, or an API key. */
export function signInForm(state: Exclude<CredentialsState, { status: 'in' }>, credentials: Credentials): HTMLElement {
  if (state.status === 'asking') return h('p', { class: 'panel block', role: 'status' }, t('sign.asking'));
  const key = h('input', { id: 'key', type: 'password', autocomplete: 'off', required: true, spellcheck: 'false', 'aria-describedby': 'key-note' });
  const form = h('form', { class: 'key-form' }, h('label', { for: 'key' }, t('sign.key')), key, h('button', { type: 'submit', class: 'action primary' }, t('sign.useKey')));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const given = key.value.trim();
    key.value = '';
    if (given !== '') void credentials.useKey(given);
  });
  return h('section', { class: 'panel block', 'aria-labelledby': 'sign-in-title' },
    h('h2', { id: 'sign-in-title' }, t('sign.title')),
    state.refusal && h('p', { class: 'problem', role: 'alert' }, refusalText(state.refusal)),
    state.problem && h('p', { class: 'problem', role: 'alert' }, problemText(state.problem)),
    h('p', {}, t('sign.about')),
    state.canSignIn && h('button', { type: 'button', class: 'action primary', onclick: () => void credentials.signIn() }, t('sign.in')),
    form,
    h('p', { class: 'small', id: 'key-note' }, t('sign.keyNote')));
}
