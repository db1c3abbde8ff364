/**
 * All measurements of a workload: one for each variant, tier and subject, or the reason why there is none. Nothing that a
 * peer cannot do is left out in silence.
 */
export function planOf([name, workload], subjects, { hasRedis }) {
  const rows = [];
  const variants = workload.variants ?? [undefined];
  for (const variant of variants) {
    for (const tier of workload.tiers) {
      for (const file of workload.subjects) {
        const subject = subjects.get(file);
        const row = { workload: name, variant, tier, file, subject: subject?.name ?? file };
        const refusal = refusalOf(subject, tier, workload, hasRedis);
        if (refusal !== 'hidden') rows.push({ ...row, ...(refusal === undefined ? {} : { refusal }) });
      }
    }
  }
  return rows;
}

function refusalOf(subject, tier, workload, hasRedis) {
  if (subject === undefined) return 'no such subject';
  if (subject.broken !== undefined) return subject.broken;
  if ((tier !== 'memory' || workload.redis) && !hasRedis) return 'not run: no redis-server';
  for (const need of workload.needs ?? []) {
    if (subject.cannot[need] !== undefined) {
      return subject.tiers.includes(tier) ? `cannot do this: ${subject.cannot[need]}` : 'hidden';
    }
  }
  // The limit of another tier is no subject of this one.
  if (!subject.tiers.includes(tier)) return subject.tiers.length === 1 ? 'hidden' : `cannot do this: no tier "${tier}"`;
  return undefined;
}
