/** Keeping the page's files waits until the map has what it needs, ms. */
const START_AFTER_MS = 3000;

/** Lets the browser keep the page, so that it starts without a network. Browsers offer that on secure connections only. */
export function startOfflineSupport(): void {
  if (!('serviceWorker' in navigator)) return;
  setTimeout(() => {
    navigator.serviceWorker.register('./sw.js').catch(() => {
      // The next visit tries again; until then the page needs the network as any other does.
    });
  }, START_AFTER_MS);
}
