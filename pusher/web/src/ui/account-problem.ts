import { t } from '../settings/language';
import type { Problem } from '../sign-in/problem';

/** Why a person is not signed in. */
export function problemText(problem: Problem): string {
  return t(`sign.problem.${problem}`);
}
