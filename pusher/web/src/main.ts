import 'maplibre-gl/dist/maplibre-gl.css';
import './page.css';
import { App } from './app';
import { loadConfig } from './config';
import type { Hooks } from './hooks';

declare global {
  interface Window {
    /** For browser tests; see `Hooks`. */
    updraft: Hooks;
  }
}

const app = new App(await loadConfig(location.search));
window.updraft = app.hooks;
