import { t } from '../settings/language';
import { setText } from './dom';

const COPIED_MS = 2000;

/** Offers a link to other programs of the phone, else copies it. `label`: of the button. */
export async function shareLink(url: string, title: string, button: HTMLElement, label: string): Promise<void> {
  if (!('share' in navigator)) return copy(url, button, label);
  try {
    await navigator.share({ title, url });
  } catch (error) {
    // A user who changes their mind is no failure.
    if ((error as DOMException).name !== 'AbortError') await copy(url, button, label);
  }
}

export async function copy(text: string, button: HTMLElement, label: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    setText(button, t('action.copied'));
  } catch {
    // Without a secure connection browsers offer no clipboard: the text can be copied by hand.
    setText(button, text);
  }
  setTimeout(() => setText(button, label), COPIED_MS);
}
