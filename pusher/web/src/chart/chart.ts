import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { h } from '../ui/dom';

/** One line of a chart. A point without a value breaks it. */
export interface ChartLine {
  label: string;
  colour: string;
  points: readonly { at: number; value: number | undefined }[];
  dashed?: boolean;
}

export interface ChartText {
  /** What the chart shows, for those who cannot see it. */
  label: string;
  /** Of a time, in the user's zone; `seconds`: where the axis is short. */
  time: (ms: number, seconds: boolean) => string;
  value: (value: number) => string;
}

const SAMPLE = 1000;
/** A shorter axis is written with seconds. */
const SHORT_S = 10 * 60;

/** A chart over time, which keeps its zoom while new values come. */
export class Chart {
  readonly element = h('div', { class: 'chart', role: 'img' });
  #plot: uPlot | undefined;
  #key = '';
  readonly #height: number;
  readonly #resized = new ResizeObserver(() => {
    if (this.element.clientWidth > 0) this.#plot?.setSize({ width: this.element.clientWidth, height: this.#height });
  });

  constructor(height = 240) {
    this.#height = height;
    this.#resized.observe(this.element);
  }

  /** Shows nothing without two points. */
  show(lines: readonly ChartLine[], text: ChartText): void {
    const drawn = lines.filter(({ points }) => points.length > 1);
    this.element.hidden = drawn.length === 0;
    this.element.setAttribute('aria-label', text.label);
    if (drawn.length === 0) return;
    const data = uPlot.join(drawn.map(({ points }) => [points.map(({ at }) => at / 1000), points.map(({ value }) => value ?? null)] as uPlot.AlignedData));
    const key = keyOf(drawn, text);
    if (this.#plot && key === this.#key) {
      this.#plot.setData(data, !isZoomed(this.#plot));
      return;
    }
    this.#key = key;
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(drawn, text), data, this.element);
  }

  destroy(): void {
    this.#resized.disconnect();
    this.#plot?.destroy();
  }

  #options(lines: readonly ChartLine[], { time, value }: ChartText): uPlot.Options {
    const axis = { stroke: () => cssColour('--soft'), grid: { stroke: () => cssColour('--rule'), width: 1 }, ticks: { show: false } };
    return {
      width: Math.max(200, this.element.clientWidth), height: this.#height,
      legend: { live: false },
      cursor: { drag: { x: true, y: false } },
      series: [{}, ...lines.map(({ label, colour, dashed }) => ({ label, stroke: colour, width: 1.8, points: { show: false }, ...(dashed && { dash: [4, 4] }) }))],
      axes: [
        { ...axis, values: (_, times) => times.map((at) => time(at * 1000, (times.at(-1) ?? 0) - (times[0] ?? 0) < SHORT_S)) },
        { ...axis, size: 62, values: (_, values) => values.map(value) },
      ],
    };
  }
}

/** Of the axes and the lines: the chart is made again when it changes. Samples of the texts stand for the user's units and zone. */
export function keyOf(lines: readonly ChartLine[], { time, value }: ChartText): string {
  return JSON.stringify([lines.map(({ label, colour }) => [label, colour]), value(SAMPLE), time(SAMPLE, true)]);
}

function isZoomed({ scales, data }: uPlot): boolean {
  const times = data[0];
  return (scales.x?.min ?? -Infinity) > (times[0] ?? 0) || (scales.x?.max ?? Infinity) < (times.at(-1) ?? 0);
}

function cssColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name);
}
