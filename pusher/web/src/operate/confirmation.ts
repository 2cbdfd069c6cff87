import { h } from '../ui/dom';
import { t } from './texts';

/** As the API has it. */
const MAX_REMARK = 200;

export interface Question {
  title: string;
  /** What will happen. */
  text: string;
  /** The button that does it. */
  button: string;
  /** Whether the API takes a reason. */
  remark: boolean;
}

/** Asks before something is changed. Undefined: it shall not be done. */
export function confirm({ title, text, button, remark }: Question): Promise<{ remark: string } | undefined> {
  const reason = h('input', { id: 'remark', type: 'text', maxlength: MAX_REMARK, autocomplete: 'off' });
  const yes = h('button', { type: 'submit', class: 'action primary', value: 'yes' }, button);
  const no = h('button', { type: 'button', class: 'action', onclick: () => dialog.close() }, t('confirm.cancel'));
  const form = h('form', { method: 'dialog' },
    h('h2', { id: 'confirm-title' }, title), h('p', { id: 'confirm-text' }, text),
    remark && h('p', { class: 'labelled' }, h('label', { for: 'remark' }, t('confirm.remark')), reason),
    h('p', { class: 'small' }, t('confirm.audit')),
    h('div', { class: 'buttons' }, no, yes));
  const dialog = h('dialog', { class: 'panel confirm', 'aria-labelledby': 'confirm-title', 'aria-describedby': 'confirm-text' }, form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      const isConfirmed = dialog.returnValue === 'yes';
      dialog.remove();
      resolve(isConfirmed ? { remark: reason.value.trim() } : undefined);
    });
    dialog.showModal();
    // What changes nothing is the first choice.
    (remark ? reason : no).focus();
  });
}
