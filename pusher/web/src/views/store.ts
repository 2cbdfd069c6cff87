import { keptOf, type Kept } from './saved-views';

const PATH = './api/v1/me';
const DEADLINE_MS = 20_000;

export async function readKept(token: string | undefined): Promise<Kept> {
  return keptOf(await (await send(token, {})).json());
}

/** Changes what is kept now: another tab may have changed it since. */
export async function changeKept(token: string | undefined, change: (kept: Kept) => Kept): Promise<Kept> {
  const kept = change(await readKept(token));
  await send(token, { method: 'PUT', body: JSON.stringify(kept), headers: { 'content-type': 'application/json' } });
  return kept;
}

/** Throws an error with a message for the user. */
async function send(token: string | undefined, { headers, ...init }: RequestInit): Promise<Response> {
  const response = await fetch(PATH, {
    ...init, cache: 'no-store', signal: AbortSignal.timeout(DEADLINE_MS),
    headers: { accept: 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
  });
  if (response.ok) return response;
  const problem = await response.json().catch(() => undefined) as { detail?: unknown } | undefined;
  throw new Error(typeof problem?.detail === 'string' ? problem.detail : `HTTP ${response.status}`);
}
