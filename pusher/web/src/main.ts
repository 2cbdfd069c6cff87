import 'maplibre-gl/dist/maplibre-gl.css';
import './page.css';
import { App } from './app';
import { loadConfig } from './config';
import { readEmbed } from './embed';
import type { Hooks } from './hooks';
import { languageFor, t, useLanguage } from './settings/language';
import { loadPreferences } from './settings/preferences';
import { takeAnswer } from './sign-in/returned';
import { Store, tabStorage } from './sign-in/store';
import { h } from './ui/dom';
import { startOfflineSupport } from './worker/offline';

declare global {
  interface Window {
    /** For browser tests; see `Hooks`. */
    updraft: Hooks;
  }
}

const store = new Store(window.top === window ? tabStorage() : undefined);
// Before anything reads the address.
const returned = takeAnswer(store);
const preferences = loadPreferences();
const embed = readEmbed(location.search);
const language = languageFor(embed.language ?? preferences.language, navigator.languages);
document.documentElement.lang = language;
const [config] = await Promise.all([loadConfig(), useLanguage(language)]);
try {
  const app = new App(config, preferences, language, store, embed);
  window.updraft = app.hooks;
  void app.startAccount(returned);
} catch (error) {
  // MapLibre throws without WebGL 2.
  console.error('the map cannot be started', error);
  document.body.replaceChildren(h('main', { class: 'unsupported panel' }, h('h1', {}, 'Updraft'), h('p', { role: 'alert' }, t('map.failed'))));
}
if (import.meta.env.PROD) startOfflineSupport();
