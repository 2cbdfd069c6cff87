import { feature, mesh } from 'topojson-client';
import coarseUrl from './data/world-50m.bin?url';
import fineUrl from './data/world-10m.bin?url';

/** Land as areas, and the borders between countries as lines. */
export interface World {
  land: GeoJSON.GeoJSON;
  borders: GeoJSON.GeoJSON;
}

/** `coarse` (1 : 50 million) is small and comes first, `fine` (1 : 10 million) is for closer looks. */
export async function loadWorld(scale: 'coarse' | 'fine'): Promise<World> {
  const response = await fetch(new URL(scale === 'coarse' ? coarseUrl : fineUrl, import.meta.url));
  if (!response.ok || !response.body) throw new Error(`the base map could not be loaded: ${response.status}`);
  const topology = await new Response(response.body.pipeThrough(new DecompressionStream('gzip'))).json();
  const { land, countries } = topology.objects;
  return { land: feature(topology, land), borders: mesh(topology, countries, (a, b) => a !== b) };
}
