import type { Pending, Store } from './store';

/** The provider's answer in the page's address. */
export interface Returned {
  parameters: string;
  /** The question; undefined: this tab has asked none. */
  pending: Pending | undefined;
}

/** Whether the query of an address is an answer of a provider: a code or an error, with the state of the question. */
export function isAnswer(search: string): boolean {
  const parameters = new URLSearchParams(search);
  return parameters.has('state') && (parameters.has('code') || parameters.has('error'));
}

/** Takes the provider's answer out of the page's address, before anything else reads it; the address is what it was before the sign-in. */
export function takeAnswer(store: Store): Returned | undefined {
  const { pathname, search, hash } = location;
  if (!isAnswer(search)) {
    const back = search === '' && hash === '' ? store.takeBack() : undefined;
    if (back !== undefined) history.replaceState(history.state, '', pathname + back);
    return undefined;
  }
  const pending = store.takePending();
  history.replaceState(history.state, '', pathname + (pending?.back ?? ''));
  return { parameters: search, pending };
}
