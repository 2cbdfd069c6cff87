import './operate.css';
import { Formats } from '../settings/formats';
import { languageFor, useLanguage } from '../settings/language';
import { loadPreferences } from '../settings/preferences';
import { takeAnswer } from '../sign-in/returned';
import { Store, tabStorage } from '../sign-in/store';
import { applyTheme, systemTheme } from '../ui/theme';
import { h } from '../ui/dom';
import { Credentials } from './credentials';
import { Page } from './page';
import { t, useTexts } from './texts';

const preferences = loadPreferences();
const language = languageFor(preferences.language, navigator.languages);
document.documentElement.lang = language;
applyTheme(preferences.theme ?? systemTheme());
// A page around this one could lead a click of an operator to another button.
if (window.top === window) {
  const storage = tabStorage();
  const store = new Store(storage);
  // Before anything reads the address.
  const returned = takeAnswer(store);
  await Promise.all([useLanguage(language), useTexts(language)]);
  const credentials = new Credentials(store, storage);
  new Page(credentials, new Formats(preferences.units ?? 'metric', preferences.zone ?? 'local', language));
  await credentials.start(returned);
} else {
  await useTexts(language);
  document.body.append(h('p', { class: 'problem' }, t('framed')));
}
