// Tables and charts of what is known. Loaded when it is opened.
import { formatAddress, type Position, type View } from 'updraft-client';
import { Chart, type ChartLine } from '../chart/chart';
import { Winds, type Wind } from '../live/winds';
import type { Scene } from '../map/scene';
import type { Selection } from '../selection';
import { convert, type Unit } from '../settings/formats';
import { t, type TextKey } from '../settings/language';
import { h, setText } from '../ui/dom';
import { Sheet } from '../ui/sheet';
import { fetchObservations, fetchReadings } from './device-data';
import { csvOf, xlsxOf } from './files';
import { headOf, matching, observationTable, readingTable, REGION_TABLES, regionTable, sorted, textOf, type Observation, type Reading, type RegionTable, type Row, type Table } from './table';

/** The table of the region is made again after this time, ms. */
const REFRESH_MS = 2000;
/** The history is loaded again after this time, ms. */
const ASK_MS = 20_000;
/** Rows in the document at first; a click shows more. */
const FIRST_ROWS = 500;
const HOURS = [1, 6, 24, 72] as const;
/** A longer silence breaks a line, ms. */
const GAP_MS = 3 * 60_000;
const WEATHER_GAP_MS = 45 * 60_000;

/** The columns that every row has a text in: a click on it shows the object on the map. */
const LINKS: readonly TextKey[] = ['fact.address', 'data.id'];

/** A device whose past is shown; `station`: its measurements, else its positions. */
export interface DeviceSubject {
  device: number;
  station: boolean;
}

export interface DataViewOptions {
  /** The newest. */
  scene: () => Scene;
  view: () => View;
  select: (selection: Selection, position: Position | undefined) => void;
}

export class DataView {
  readonly #options: DataViewOptions;
  readonly #kind = h('select', { 'aria-label': t('data.kind') }, ...REGION_TABLES.map((kind) => h('option', { value: kind }, t(`data.kind.${kind}`))));
  readonly #hours = h('select', { 'aria-label': t('data.hours') }, ...HOURS.map((hours) => h('option', { value: hours, selected: hours === 6 }, t('data.lastHours', { hours }))));
  readonly #search = h('input', { type: 'search', placeholder: t('list.search'), 'aria-label': t('list.search'), autocomplete: 'off' });
  readonly #pause = h('button', { type: 'button', class: 'action', 'aria-pressed': 'false' }, t('data.pause'));
  readonly #csv = h('button', { type: 'button', class: 'action' }, 'CSV');
  readonly #xlsx = h('button', { type: 'button', class: 'action' }, 'XLSX');
  readonly #sheet = new Sheet('data', t('tool.data'), this.#kind, this.#hours, this.#search, this.#pause, h('span', { class: 'downloads', role: 'group', 'aria-label': t('data.download') }, this.#csv, this.#xlsx));
  readonly #note = h('p', { class: 'small' });
  readonly #charts = [new Chart(200), new Chart(160)] as const;
  readonly #head = h('tr');
  readonly #body = h('tbody');
  readonly #more = h('button', { type: 'button', class: 'action' }, t('data.more'));
  /** Those of the view, also where their layer is off. */
  readonly #winds = new Winds();
  #subject: DeviceSubject | undefined;
  #observations: readonly Observation[] = [];
  #readings: readonly Reading[] = [];
  #askedAt = 0;
  #table: Table = { columns: [], rows: [] };
  #shown: Table = { columns: [], rows: [] };
  #heads = '';
  #sort = { column: 0, ascending: true };
  #limit = FIRST_ROWS;
  #paused = false;
  #madeAt = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: DataViewOptions) {
    this.#options = options;
    this.#sheet.body.append(this.#note, ...this.#charts.map(({ element }) => element), h('table', { class: 'plain data' }, h('thead', {}, this.#head), this.#body), this.#more);
    this.#sheet.onclose = () => clearInterval(this.#timer);
    this.#kind.addEventListener('change', () => this.#begin(undefined));
    this.#hours.addEventListener('change', () => this.#begin(this.#subject));
    this.#search.addEventListener('input', () => this.#render());
    this.#pause.addEventListener('click', () => this.#setPaused(!this.#paused));
    this.#csv.addEventListener('click', () => this.#download('csv', 'text/csv;charset=utf-8'));
    this.#xlsx.addEventListener('click', () => this.#download('xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'));
    this.#more.addEventListener('click', () => {
      this.#limit *= 10;
      this.#render();
    });
  }

  /** `subject`: the device whose past is shown; undefined: the objects of the region. `kind`: of those; undefined: as last. */
  open(subject: DeviceSubject | undefined, kind?: RegionTable): void {
    if (kind) this.#kind.value = kind;
    this.#sheet.open();
    this.#setPaused(false);
    this.#begin(subject);
    clearInterval(this.#timer);
    this.#timer = setInterval(() => { if (!this.#paused) this.#refresh(); }, REFRESH_MS);
  }

  #begin(subject: DeviceSubject | undefined): void {
    this.#subject = subject;
    this.#observations = [];
    this.#readings = [];
    this.#askedAt = 0;
    this.#limit = FIRST_ROWS;
    this.#kind.hidden = subject !== undefined;
    this.#hours.hidden = subject === undefined;
    this.#search.hidden = subject !== undefined;
    this.#search.value = '';
    // The newest first, or by name.
    this.#sort = { column: 0, ascending: subject === undefined };
    for (const { element } of this.#charts) element.hidden = true;
    this.#refresh();
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#pause.setAttribute('aria-pressed', String(paused));
    if (!paused) this.#refresh();
  }

  #refresh(): void {
    const scene = this.#options.scene();
    this.#madeAt = scene.now;
    if (this.#subject) {
      if (scene.now - this.#askedAt >= ASK_MS) void this.#ask(this.#subject, scene.now);
      this.#table = this.#subject.station ? readingTable(this.#readings, scene.formats) : observationTable(this.#observations, scene.formats);
    } else {
      this.#table = regionTable(this.#kind.value as RegionTable, scene.picture, this.#windsOf(scene), scene.formats);
    }
    this.#render();
  }

  /** The past has none. */
  #windsOf({ isLive }: Scene): readonly Wind[] {
    if (!isLive || this.#kind.value !== 'winds') return [];
    const { south, west, north, east } = this.#options.view();
    this.#winds.want([south, west, north, east], Date.now());
    return this.#winds.all;
  }

  async #ask(subject: DeviceSubject, now: number): Promise<void> {
    this.#askedAt = now;
    const hours = Number(this.#hours.value);
    const observations = subject.station ? undefined : await fetchObservations(subject.device, hours);
    const readings = subject.station ? await fetchReadings(subject.device, hours) : undefined;
    if (subject !== this.#subject || this.#paused || hours !== Number(this.#hours.value)) return;
    this.#observations = observations ?? this.#observations;
    this.#readings = readings ?? this.#readings;
    this.#refresh();
    this.#chart();
  }

  #chart(): void {
    const { formats } = this.#options.scene();
    const { altitude, climb, speed, temperature } = formats.units;
    const station = this.#subject?.station === true;
    const line = <T extends { at: number }>(label: string, colour: string, all: readonly T[], value: (one: T) => number | undefined, gapMs: number): ChartLine => ({ label, colour, points: withGaps(all, value, gapMs) });
    const text = (name: string, unit: string) => ({ label: t('data.chart', { name }), time: (ms: number, seconds: boolean) => (seconds ? formats.timeOfDay(ms) : formats.time(ms)), value: (value: number) => `${value} ${unit}` });
    if (station) {
      this.#charts[0].show([
        line(t('fact.wind'), '#31b5ff', this.#readings, ({ windKmh }) => scaled(windKmh, speed), WEATHER_GAP_MS),
        line(t('fact.gusts'), '#e69f00', this.#readings, ({ gustKmh }) => scaled(gustKmh, speed), WEATHER_GAP_MS),
      ], text(`${t('fact.wind')}, ${t('fact.gusts')}`, speed.name));
      this.#charts[1].show([line(t('fact.temperature'), '#d55e00', this.#readings, ({ temperatureC }) => scaled(temperatureC, temperature), WEATHER_GAP_MS)], text(t('fact.temperature'), temperature.name));
      return;
    }
    this.#charts[0].show([line(t('list.altitude'), '#31b5ff', this.#observations, ({ altitudeM }) => scaled(altitudeM, altitude), GAP_MS)], text(t('list.altitude'), altitude.name));
    this.#charts[1].show([line(t('list.climb'), '#009e73', this.#observations, ({ climbMps }) => scaled(climbMps, climb), GAP_MS)], text(t('list.climb'), climb.name));
  }

  #render(): void {
    const { formats } = this.#options.scene();
    const found = sorted(matching(this.#table, this.#search.value), this.#sort.column, this.#sort.ascending);
    this.#shown = { columns: found.columns, rows: found.rows.slice(0, this.#limit) };
    this.#more.hidden = found.rows.length <= this.#limit;
    const about = this.#subject ? `${formatAddress(this.#subject.device)} · ` : '';
    setText(this.#note, about + t('data.note', { shown: this.#shown.rows.length, all: found.rows.length, time: formats.timeOfDay(this.#madeAt) }));
    this.#renderHead();
    this.#renderRows();
  }

  #renderHead(): void {
    const { columns } = this.#shown;
    const { formats } = this.#options.scene();
    const heads = columns.map((column) => headOf(column, formats));
    if (this.#heads !== heads.join('\n')) {
      this.#heads = heads.join('\n');
      this.#head.replaceChildren(...heads.map((head, column) => h('th', { scope: 'col', class: columns[column]!.type }, h('button', { type: 'button', class: 'sort', onclick: () => this.#sortBy(column) }, head))));
      this.#body.replaceChildren();
    }
    for (const [column, cell] of [...this.#head.children].entries()) {
      const order = column === this.#sort.column ? (this.#sort.ascending ? 'ascending' : 'descending') : 'none';
      if (cell.getAttribute('aria-sort') !== order) cell.setAttribute('aria-sort', order);
    }
  }

  #sortBy(column: number): void {
    const text = this.#shown.columns[column]?.type === 'text';
    this.#sort = { column, ascending: this.#sort.column === column ? !this.#sort.ascending : text };
    this.#render();
  }

  /** Rows stay in the document, and only texts that differ are written. */
  #renderRows(): void {
    const { formats } = this.#options.scene();
    const { columns, rows } = this.#shown;
    while (this.#body.children.length > rows.length) this.#body.lastElementChild!.remove();
    for (const [index, row] of rows.entries()) {
      const element = this.#body.children[index] ?? this.#addRow(index);
      for (const [column, value] of row.values.entries()) {
        const cell = element.children[column]!;
        setText(cell.firstElementChild ?? cell, textOf(value, columns[column]!, formats));
      }
    }
  }

  #addRow(index: number): Element {
    const isLink = this.#shown.rows[index]?.selection !== undefined;
    const row = h('tr', {}, ...this.#shown.columns.map(({ type, label }) => h('td', { class: type },
      isLink && LINKS.includes(label) && h('button', { type: 'button', class: 'link', onclick: () => this.#pick(this.#shown.rows[index]) }))));
    this.#body.append(row);
    return row;
  }

  #pick(row: Row | undefined): void {
    if (!row?.selection) return;
    this.#sheet.element.close();
    this.#options.select(row.selection, row.position);
  }

  #download(format: 'csv' | 'xlsx', type: string): void {
    const { formats } = this.#options.scene();
    const content = format === 'csv' ? csvOf(this.#shown, formats) : xlsxOf(this.#shown, formats);
    const what = this.#subject ? formatAddress(this.#subject.device) : this.#kind.value;
    const url = URL.createObjectURL(new Blob([content], { type }));
    const link = h('a', { href: url, download: `updraft-${what}-${new Date(this.#madeAt).toISOString().slice(0, 19).replaceAll(':', '')}.${format}` });
    link.click();
    // The browser reads it after the click.
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}

function scaled(value: number | undefined, unit: Unit): number | undefined {
  return value === undefined ? undefined : convert(value, unit);
}

/** Points of a line, with one without a value where nothing was received for long. */
function withGaps<T extends { at: number }>(all: readonly T[], value: (one: T) => number | undefined, gapMs: number): { at: number; value: number | undefined }[] {
  return all.flatMap((one, i) => {
    const point = { at: one.at, value: value(one) };
    const before = all[i - 1];
    return before && one.at - before.at > gapMs ? [{ at: one.at - 1, value: undefined }, point] : [point];
  });
}
