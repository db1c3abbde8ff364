import { init } from 'echarts';
import { labelOf } from './tables.mjs';

/** One chart of a workload's first column as SVG: bars beside each other, or lines where the variants are sizes. */
export function plotOf(workload, rows) {
  const [column] = workload.columns;
  const measured = rows.filter(({ values }) => values?.[column.key] !== undefined);
  if (measured.length < 2) return undefined;
  const isGrowth = workload.growsWith !== undefined;
  const names = [...new Set(measured.map((row) => nameOf(workload, row, !isGrowth)))];
  const chart = init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: 900,
    height: isGrowth ? 420 : 90 + 26 * names.length,
  });
  const value = { type: 'log', name: column.title, nameLocation: 'middle', nameGap: 28 };
  const base = { animation: false, title: { text: workload.title, textStyle: { fontSize: 15 } } };
  if (isGrowth) {
    chart.setOption({
      ...base,
      legend: { top: 28 },
      grid: { left: 80, right: 30, top: 80, bottom: 50 },
      xAxis: { type: 'log', name: workload.growsWith, nameLocation: 'middle', nameGap: 28 },
      yAxis: { ...value, nameGap: 60 },
      series: names.map((name) => ({
        name,
        type: 'line',
        data: measured
          .filter((row) => nameOf(workload, row, false) === name)
          .map((row) => [Object.values(row.variant)[0], row.values[column.key].median]),
      })),
    });
  } else {
    chart.setOption({
      ...base,
      grid: { left: 330, right: 60, top: 40, bottom: 50 },
      xAxis: value,
      yAxis: { type: 'category', inverse: true, data: names },
      series: [
        {
          type: 'bar',
          label: {
            show: true,
            position: 'right',
            formatter: ({ value: shown }) => Number(shown.toPrecision(3)).toString(),
          },
          data: measured.map((row) => ({
            value: Math.max(row.values[column.key].median, 1e-6),
            itemStyle: { color: row.file === 'nestjs-async-cache' ? '#c23531' : '#7a8ba3' },
          })),
        },
      ],
    });
  }
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function nameOf(workload, { variant, tier, subject }, withVariant) {
  const parts = [subject];
  if (workload.tiers.length > 1) parts.push(tier);
  if (withVariant && variant !== undefined) parts.push(labelOf(variant));
  return parts.join(' · ');
}
