/** What the server says about the first view, and what the page's address overrides. */
export interface Config {
  center: [lon: number, lat: number];
  zoom: number;
  /** Of an online base map; absent: the offline one. */
  styleUrl: string | undefined;
}

const ALPS: Config = { center: [8.0, 46.6], zoom: 8, styleUrl: undefined };

/** Asks the server; without an answer the Alps are shown. `?style=` in the page's address wins, `?style=offline` for none. */
export async function loadConfig(search: string): Promise<Config> {
  const config = merge(await fetchConfig());
  const style = new URLSearchParams(search).get('style');
  if (style === null) return config;
  return { ...config, styleUrl: style === '' || style === 'offline' ? undefined : style };
}

async function fetchConfig(): Promise<unknown> {
  try {
    const response = await fetch('./config.json');
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}

/** Takes over what makes sense. */
export function merge(answer: unknown): Config {
  if (typeof answer !== 'object' || answer === null) return ALPS;
  const { center, zoom, style } = answer as Record<string, unknown>;
  const [lon, lat] = Array.isArray(center) ? center : [];
  return {
    center: Number.isFinite(lon) && Number.isFinite(lat) ? [lon, lat] : ALPS.center,
    zoom: typeof zoom === 'number' && Number.isFinite(zoom) ? zoom : ALPS.zoom,
    styleUrl: typeof style === 'string' && style !== '' ? style : undefined,
  };
}
