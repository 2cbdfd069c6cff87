import { THEMES, type Theme } from './basemap/theme';
import { LANGUAGES } from './settings/language';

/** How a page of another site shows the map in a frame: `?embed`, and what that site chooses for its visitors. */
export interface Embed {
  isEmbedded: boolean;
  theme?: Theme;
  /** Its code. */
  language?: string;
}

/** Unknown values are ignored: then the choices of this browser apply, as without them. */
export function readEmbed(search: string): Embed {
  const fields = new URLSearchParams(search);
  if (!fields.has('embed')) return { isEmbedded: false };
  const theme = THEMES.find((one) => one === fields.get('theme'));
  const language = LANGUAGES.find(([code]) => code === fields.get('lang'))?.[0];
  return { isEmbedded: true, ...(theme && { theme }), ...(language !== undefined && { language }) };
}

/** The address without the language of the other site: its visitor has chosen one. */
export function withoutLanguage(href: string): string {
  const url = new URL(href);
  if (!url.searchParams.has('lang')) return href;
  url.searchParams.delete('lang');
  // `embed` needs no value.
  url.search = url.search.replace(/\bembed=(?=&|$)/, 'embed');
  return url.href;
}
