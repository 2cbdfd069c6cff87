import type { Formats } from '../settings/formats';
import type { Answer, Api, Receipt } from './api';
import type { Caller } from './caller';
import type { Place, Question } from './confirmation';
import type { Refusal } from './refusal';

/** A change: what is asked before, the request, and what is said after it. */
export interface Change {
  question: Question;
  /** `position`: where the question asks for one. */
  request: (remark: string, position: Place | undefined) => Promise<Answer<Receipt>>;
  done: string;
}

/** What each tab works with. */
export interface TabContext {
  api: Api;
  formats: Formats;
  caller: Caller;
  /** Asks, changes, says the result, and loads the tab again. Whether the log has it. */
  change(change: Change): Promise<boolean>;
}

/** The processor applies a command within a second, ms. */
export const APPLIED_MS = 1_200;

/** The content of a tab. */
export interface TabContent {
  element: HTMLElement;
  /** Time between two loads, ms; undefined: it is loaded when it is opened and when it is asked for. */
  everyMs: number | undefined;
  /** Undefined: it is loaded. */
  load(): Promise<Refusal | undefined>;
  /** Shows what is about a device. */
  about?(subject: string): void;
}
