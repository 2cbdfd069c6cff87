import { isDark, type Theme } from '../basemap/theme';

/** What the system prefers. */
export function systemTheme(): Theme {
  return matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
}

export function applyTheme(theme: Theme): void {
  document.documentElement.dataset.theme = isDark(theme) ? 'dark' : 'light';
  document.documentElement.toggleAttribute('data-sunlight', theme === 'sunlight');
}
