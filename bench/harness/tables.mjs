import { summaryOf } from './statistics.mjs';

/** The rows of one workload: for each measurement its numbers over all runs, and its ratios to the limit of the same run. */
export function rowsOf(workload, plan, results) {
  return plan.map((row) => {
    if (row.refusal !== undefined) return { ...row, note: row.refusal };
    const runs = results.get(idOf(row)) ?? [];
    const good = runs.filter(({ error }) => error === undefined);
    if (good.length === 0)
      return { ...row, note: runs[0]?.error ? `failed: ${runs[0].error}` : 'not run: out of time' };
    const values = {};
    for (const { key } of workload.columns) {
      const numbers = good.map((run) => run[key]).filter((value) => typeof value === 'number' && !Number.isNaN(value));
      if (numbers.length > 0) values[key] = summaryOf(numbers);
    }
    const note = [...new Set(runs.flatMap((run) => (run.note === undefined ? [] : [run.note])))].join('; ');
    return { ...row, values, ratios: ratiosOf(workload, plan, results, row), note };
  });
}

function ratiosOf(workload, plan, results, row) {
  const limit = typeof workload.limit === 'function' ? workload.limit(row) : workload.limit;
  if (limit === undefined) return {};
  const [file, tier = row.tier] = limit.split('@');
  const limitRow = plan.find(
    (other) => other.file === file && other.tier === tier && sameVariant(other.variant, row.variant),
  );
  const own = results.get(idOf(row)) ?? [];
  const limits = limitRow === undefined ? [] : (results.get(idOf(limitRow)) ?? []);
  const ratios = {};
  for (const { key, ratio } of workload.columns) {
    if (!ratio) continue;
    const numbers = own.map((run, index) => run[key] / limits[index]?.[key]).filter((value) => Number.isFinite(value));
    if (numbers.length > 0) ratios[key] = summaryOf(numbers);
  }
  return ratios;
}

export const idOf = ({ workload, variant, tier, file }) => JSON.stringify([workload, variant ?? null, tier, file]);
const sameVariant = (a, b) => JSON.stringify(a) === JSON.stringify(b);
export const labelOf = (variant) => (variant === undefined ? '' : Object.values(variant).join(', '));

export function markdownOf(workload, rows) {
  const hasVariants = rows.some(({ variant }) => variant !== undefined);
  const hasTiers = workload.tiers.length > 1;
  const head = [
    ...(hasVariants ? ['variant'] : []),
    ...(hasTiers ? ['tier'] : []),
    'subject',
    ...workload.columns.flatMap(({ title, ratio }) => [title, ...(ratio ? ['× limit'] : [])]),
    'note',
  ];
  const lines = [`| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`];
  for (const row of rows) {
    const cells = [
      ...(hasVariants ? [labelOf(row.variant)] : []),
      ...(hasTiers ? [row.tier] : []),
      row.file === 'nestjs-async-cache' ? `**${row.subject}**` : row.subject,
      ...workload.columns.flatMap(({ key, digits = 0, ratio }) => [
        show(row.values?.[key], digits),
        ...(ratio ? [show(row.ratios?.[key], 2)] : []),
      ]),
      row.note ?? '',
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return lines.join('\n');
}

/** `83 (80–91)`: the median, and the smallest and largest of the runs. */
function show(summary, digits) {
  if (summary === undefined) return '–';
  const text = (value) =>
    value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const { median, min, max, n } = summary;
  return n === 1 || min === max ? text(median) : `${text(median)} (${text(min)}–${text(max)})`;
}
