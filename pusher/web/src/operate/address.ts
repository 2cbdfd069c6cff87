/** The tab of an address, and what it is about, for example a device: `#audit=110B90`. */
export interface TabAddress {
  tab: string;
  subject: string;
}

export function tabAddressOf(hash: string): TabAddress {
  const [tab = '', subject = ''] = hash.replace(/^#/, '').split('=', 2);
  return { tab, subject: decoded(subject) };
}

export function hashOf(tab: string, subject = ''): string {
  return subject === '' ? `#${tab}` : `#${tab}=${encodeURIComponent(subject)}`;
}

/** A device of the map page, which is beside this one. */
export function mapHash(device: string, position?: { latitude_deg: number; longitude_deg: number }): string {
  const map = position && `map=12/${position.latitude_deg.toFixed(4)}/${position.longitude_deg.toFixed(4)}&`;
  return `./#${map ?? ''}device=${device}`;
}

/** Six hex digits as the API writes them; undefined: it is no address. */
export function deviceAddress(text: string): string | undefined {
  const address = text.trim().toUpperCase();
  return /^[0-9A-F]{6}$/.test(address) ? address : undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
