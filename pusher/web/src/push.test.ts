import { expect, it } from 'vitest';
import { Push } from './push';

interface Sent { url: string; method: string; body: Record<string, unknown> | undefined; token: string | null }

/** A browser and a server. */
function stage({ token = 'token-of-ada' as string | undefined, keyStatus = 200 } = {}) {
  const sent: Sent[] = [];
  const stored = new Map<string, string>();
  let subscribed: { key: Uint8Array } | undefined;
  const state = { token, keyStatus, key: 'BAAA', subscriptions: 0 };
  const subscription = () => subscribed && ({
    options: { applicationServerKey: subscribed.key.buffer },
    toJSON: () => ({ endpoint: 'https://push.example.org/1', keys: { p256dh: 'p', auth: 'a' } }),
    unsubscribe: async () => { subscribed = undefined; return true; },
  });
  const pushManager = {
    getSubscription: async () => subscription() ?? null,
    subscribe: async ({ applicationServerKey }: { applicationServerKey: Uint8Array }) => {
      state.subscriptions += 1;
      subscribed = { key: Uint8Array.from(applicationServerKey) };
      return subscription();
    },
  };
  const send = async (url: string, init: RequestInit) => {
    const headers = new Headers(init.headers);
    sent.push({ url, method: init.method ?? 'GET', body: init.body ? JSON.parse(String(init.body)) as Record<string, unknown> : undefined, token: headers.get('authorization') });
    if (url.endsWith('push-key')) return Response.json({ key: state.key }, { status: state.keyStatus });
    return init.method === 'DELETE' ? new Response(null, { status: 204 }) : Response.json({ subscription_id: 'abc' }, { status: 201 });
  };
  const push = new Push({
    registration: async () => ({ pushManager }) as unknown as ServiceWorkerRegistration,
    token: async () => state.token, language: 'de', send,
    store: () => ({ getItem: (name) => stored.get(name) ?? null, setItem: (name, value) => void stored.set(name, value), removeItem: (name) => void stored.delete(name) }),
  });
  return { push, sent, stored, state, isSubscribed: () => subscribed !== undefined };
}

it('follows those who are followed, and asks once for the same', async () => {
  const { push, sent, stored } = stage();
  push.want([0x110B91, 0x110B90], 0);
  await push.settled;
  push.want([0x110B90, 0x110B91], 1);
  await push.settled;
  const posts = sent.filter(({ method }) => method === 'POST');
  expect(posts).toHaveLength(1);
  expect(posts[0]).toMatchObject({ token: 'Bearer token-of-ada', body: { alerts: 'devices', zones_of_devices: true, devices: ['110B90', '110B91'], language: 'de' } });
  expect(posts[0]!.body!['subscription']).toMatchObject({ endpoint: 'https://push.example.org/1' });
  expect(stored.get('updraft-push')).toBe('abc');
  push.want([], 2);
  await push.settled;
  expect(sent.at(-1)).toMatchObject({ method: 'DELETE', url: './api/v1/push-subscriptions/abc' });
});

it('leaves what is there alone while nobody is followed', async () => {
  const { push, sent } = stage();
  push.want([], 0);
  await push.settled;
  expect(sent).toEqual([]);
});

it('tries again after a while where the server sends none, and then only', async () => {
  const { push, sent, state } = stage({ keyStatus: 409 });
  for (const now of [0, 1, 59_999]) {
    push.want([1], now);
    await push.settled;
  }
  expect(sent).toHaveLength(1);
  state.keyStatus = 200;
  push.want([1], 60_000);
  await push.settled;
  expect(sent.map(({ method }) => method)).toEqual(['GET', 'GET', 'POST']);
});

it('subscribes again to another key', async () => {
  const { push, state } = stage();
  push.want([1], 0);
  await push.settled;
  state.key = 'BBBB';
  push.want([1, 2], 1);
  await push.settled;
  expect(state.subscriptions).toBe(2);
});

it('ends in the browser also when nobody is signed in any more', async () => {
  const { push, sent, state, stored, isSubscribed } = stage();
  push.want([1], 0);
  await push.settled;
  state.token = undefined;
  await push.cancel();
  expect([isSubscribed(), stored.size, sent.filter(({ method }) => method === 'DELETE').length]).toEqual([false, 0, 0]);
});
