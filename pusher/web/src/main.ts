import 'maplibre-gl/dist/maplibre-gl.css';
import './page.css';
import { App } from './app';
import { loadConfig } from './config';
import type { Hooks } from './hooks';
import { languageFor, useLanguage } from './settings/language';
import { loadPreferences } from './settings/preferences';
import { startOfflineSupport } from './worker/offline';

declare global {
  interface Window {
    /** For browser tests; see `Hooks`. */
    updraft: Hooks;
  }
}

const preferences = loadPreferences();
const language = languageFor(preferences.language, navigator.languages);
document.documentElement.lang = language;
const [config] = await Promise.all([loadConfig(), useLanguage(language)]);
const app = new App(config, preferences, language);
window.updraft = app.hooks;
if (import.meta.env.PROD) startOfflineSupport();
