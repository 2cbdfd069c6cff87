import { refusalOf, type Refusal } from './refusal';

export type Answer<T> = { body: T; refusal?: undefined } | { body?: undefined; refusal: Refusal };

/** The answer to a command. */
export interface Receipt {
  command_id?: string;
  record_id?: string;
  /** Of a change without a record of its own: it is written. */
  stored?: boolean;
}

const DEADLINE_MS = 20_000;

/** Requests with the credentials of this tab. */
export class Api {
  readonly #token: () => Promise<string | undefined>;
  /** The credentials are not accepted any more. */
  onsignedout: (refusal: Refusal) => void = () => {};

  constructor(token: () => Promise<string | undefined>) {
    this.#token = token;
  }

  get<T>(path: string, parameters: Record<string, string | undefined> = {}): Promise<Answer<T>> {
    const given = Object.entries(parameters).filter((one): one is [string, string] => one[1] !== undefined && one[1] !== '');
    const query = new URLSearchParams(given).toString();
    return this.#request<T>('GET', query === '' ? path : `${path}?${query}`);
  }

  /** `remark`: for the audit trail; undefined: the command takes none. */
  post(path: string, remark?: string): Promise<Answer<Receipt>> {
    return this.#request<Receipt>('POST', path, remark === undefined || remark === '' ? undefined : JSON.stringify({ remark }));
  }

  /** A command that says more than its path. */
  command(path: string, body: object): Promise<Answer<Receipt>> {
    return this.#request<Receipt>('POST', path, JSON.stringify(body));
  }

  put(path: string, body: object): Promise<Answer<unknown>> {
    return this.#request('PUT', path, JSON.stringify(body));
  }

  delete(path: string): Promise<Answer<unknown>> {
    return this.#request('DELETE', path);
  }

  async #request<T>(method: string, path: string, body?: string): Promise<Answer<T>> {
    const token = await this.#token();
    const answer = await send<T>(method, path, token, body);
    if (answer.refusal?.kind === 'signedOut') this.onsignedout(answer.refusal);
    return answer;
  }
}

/** One request with these credentials. */
export async function send<T>(method: string, path: string, token: string | undefined, body?: string): Promise<Answer<T>> {
  const headers = {
    accept: 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  try {
    const response = await fetch(`./api/v1/${path}`, { method, headers, body: body ?? null, cache: 'no-store', signal: AbortSignal.timeout(DEADLINE_MS) });
    const content: unknown = await response.json().catch(() => undefined);
    return response.ok ? { body: content as T } : { refusal: refusalOf(response.status, response.headers.get('retry-after'), content) };
  } catch (error) {
    return { refusal: { kind: 'unreached', detail: error instanceof Error ? error.message : '' } };
  }
}
