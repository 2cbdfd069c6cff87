// The example page: a list of the objects in view. A file of its own, since the server allows no script within a page.
import { Client } from './client.mjs';

const query = new URLSearchParams(location.search);
const region = { lat: query.get('lat') ?? '46.5', lon: query.get('lon') ?? '8', radius: query.get('radius') ?? '50' };
document.getElementById('region').textContent = `${region.lat}, ${region.lon} (${region.radius} km)`;
const list = document.getElementById('list');

const show = () => {
  const lines = [...client.picture.objects.values()].map(({ kind, id, update }) => {
    const line = document.createElement('li');
    line.textContent = `${kind} ${update.name ?? id}`;
    return line;
  });
  list.replaceChildren(...lines);
};
const url = location.origin.replace(/^http/, 'ws');
const client = new Client({ url, region, report: () => queueMicrotask(show) });
