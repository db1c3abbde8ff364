import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';

export interface Line {
  readonly label: string;
  /** The name of a colour of the style sheet. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
  readonly isFilled?: boolean;
}

export interface ChartProps {
  readonly title: string;
  readonly hint: string;
  /** Milliseconds since the epoch. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
}

const HEIGHT = 172;
/** Seconds: the charts are as wide from the beginning as when they are full. */
const WIDTH = 120;

/** Lines over the last minutes. Its legend says the latest values, for those who do not see the lines as well. */
export function Chart({ title, hint, times, lines, format }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const dark = useRef(window.matchMedia('(prefers-color-scheme: dark)')).current;

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new UPlot(optionsOf(element, lines, format), dataOf(times, lines), element);
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    dark.addEventListener('change', draw);
    return () => {
      resized.disconnect();
      dark.removeEventListener('change', draw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);

  useEffect(() => {
    plot.current?.setData(dataOf(times, lines));
  }, [times, lines]);

  return (
    <figure class="card chart">
      <figcaption>
        <h3>{title}</h3>
        <p class="hint">{hint}</p>
      </figcaption>
      <ul class="legend">
        {lines.map(({ label, colour, values }) => {
          const latest = values.findLast((value) => value !== null);
          return (
            <li key={label}>
              <span class={`dot ${colour}`} aria-hidden="true" />
              {label} <b>{latest === undefined ? '–' : format(latest)}</b>
            </li>
          );
        })}
      </ul>
      <div ref={place} class="plot" aria-hidden="true" />
    </figure>
  );
}

function dataOf(times: readonly number[], lines: readonly Line[]): UPlot.AlignedData {
  return [times.map((at) => at / 1_000), ...lines.map(({ values }) => [...values])];
}

function optionsOf(element: HTMLElement, lines: readonly Line[], format: ChartProps['format']): UPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const axis = { stroke: colour('muted'), font: '11px system-ui, sans-serif', ticks: { show: false } };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [10, 6, 0, 0],
    scales: {
      x: { time: true, range: (_, from, to) => (Number.isFinite(to) ? [Math.min(from, to - WIDTH), to] : [0, 1]) },
      y: { range: (_, __, to) => [0, to > 0 ? to * 1.15 : 1] },
    },
    series: [
      {},
      ...lines.map(({ label, colour: name, isFilled = false }) => ({
        label,
        stroke: colour(name),
        width: 2,
        spanGaps: true,
        points: { show: false },
        ...(isFilled ? { fill: `${colour(name)}22` } : {}),
      })),
    ],
    axes: [
      { ...axis, grid: { show: false }, space: 90, size: 26, values: '{HH}:{mm}:{ss}' },
      {
        ...axis,
        grid: { stroke: colour('line'), width: 1 },
        size: 58,
        space: 34,
        values: (_, values) => values.map(format),
      },
    ],
  };
}
