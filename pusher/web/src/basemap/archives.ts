// Reads PMTiles archives by HTTP range. Not needed before the first aircraft are drawn: loaded after them.
import { addProtocol } from 'maplibre-gl';
import { PMTiles, Protocol } from 'pmtiles';

const PROTOCOL = 'pmtiles';
const protocol = new Protocol({ metadata: true });
addProtocol(PROTOCOL, protocol.tile);

const known = new Map<string, PMTiles>();

/** The archive at an address relative to the page. */
export function archiveAt(url: string): { archive: PMTiles; url: string } {
  const absolute = new URL(url, location.href).href;
  let archive = known.get(absolute);
  if (!archive) {
    archive = new PMTiles(absolute);
    known.set(absolute, archive);
    protocol.add(archive);
  }
  return { archive, url: `${PROTOCOL}://${absolute}` };
}
