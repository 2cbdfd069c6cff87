import { Notifier } from './notifier';
import type { Push } from './push';
import type { Choices } from './settings/choices';
import type { Account } from './sign-in/account';

/** The user's choice of notifications, and those that come while the page is closed. */
export class Notifications {
  readonly #choices: Choices;
  readonly #account: Account;
  #push: Push | undefined;

  constructor(choices: Choices, account: Account) {
    this.#choices = choices;
    this.#account = account;
  }

  /** Whether the user wants them and the browser shows them. */
  get areOn(): boolean {
    return this.#choices.stored.notify === true && Notifier.isAllowed;
  }

  /** Has the server send those of these devices while the page is closed, for a person who may have that. */
  update(devices: readonly number[], now: number): void {
    if (!this.areOn || this.#account.state.person?.scopes.includes('notification:write') !== true) return;
    if (this.#push) this.#push.want(devices, now);
    else void this.#load().catch(() => undefined);
  }

  /** Asks the browser's user. False: they are refused, and off again. */
  async ask(): Promise<boolean> {
    if (await Notifier.ask()) return true;
    this.#choices.change({ notify: false });
    return false;
  }

  /** Ends those of the closed page. */
  async end(): Promise<void> {
    await this.#load().then((push) => push.cancel()).catch(() => undefined);
  }

  /** The code is loaded when it is needed first. */
  async #load(): Promise<Push> {
    const { Push, registration } = await import('./push');
    const { language } = this.#choices;
    return this.#push ??= new Push({ registration, token: () => this.#account.token(), language, send: (url, init) => fetch(url, init), store: () => localStorage });
  }
}
