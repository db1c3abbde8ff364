import { describe, expect, it } from 'vitest';
import { inWords, LONGEST, toMilliseconds, toPeriod } from '../../../lib/core/policy/duration.js';
import { ConfigurationError } from '../../../lib/core/errors.js';

describe('a duration', () => {
  it.each([
    [0, 0],
    [1, 1_000],
    [60, 60_000],
    [0.25, 250],
    ['0s', 0],
    ['500ms', 500],
    ['30s', 30_000],
    ['10m', 600_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    ['1.5h', 5_400_000],
    ['10 m', 600_000],
  ] as const)('%j is %d ms', (duration, ms) => {
    expect(toMilliseconds(duration, 'ttl', 'J')).toBe(ms);
    expect(toPeriod(duration, 'ttl', 'J')).toBe(ms);
  });

  it('is at most ten years, so that everything stored has a bound', () => {
    expect(toMilliseconds(Infinity, 'ttl', 'J')).toBe(LONGEST);
    expect(toMilliseconds('99999d', 'ttl', 'J')).toBe(LONGEST);
    expect(toMilliseconds(Number.MAX_VALUE, 'ttl', 'J')).toBe(LONGEST);
  });

  it.each(
    [
      'soon',
      '',
      '10',
      'ten seconds',
      '10 minutes',
      '1d2h',
      '.5s',
      's',
      '1e3ms',
      '5w',
      Number.NaN,
      null,
      undefined,
      true,
      {},
      [],
      new Date(0),
      10n,
      () => 5,
    ].map((wrong) => ({ wrong })),
  )('$wrong is none, and the error names the job, the option and the value', ({ wrong }) => {
    const convert = (): number => toMilliseconds(wrong, 'grace', 'Reports.sales');
    expect(convert).toThrow(ConfigurationError);
    expect(convert).toThrow('grace of Reports.sales is ');
    const shown: string = typeof wrong === 'string' ? `'${wrong}'` : Reflect.apply(String, undefined, [wrong]);
    expect(convert).toThrow(`is ${shown}, which is not a duration`);
    expect(convert).toThrow(`'500ms'`);
  });

  it.each([-1, '-1s', -Infinity, '-0.5ms'])('%s is negative, which only some options allow', (negative) => {
    expect(toMilliseconds(negative, 'grace', 'J')).toBeLessThan(0);
    const convert = (): number => toPeriod(negative, 'ttl', 'J');
    expect(convert).toThrow(ConfigurationError);
    expect(convert).toThrow('ttl of J is ');
    expect(convert).toThrow('negative');
  });
});

describe('a duration in words', () => {
  it.each([
    [0, '0ms'],
    [500, '500ms'],
    [1_000, '1s'],
    [1_500, '1s 500ms'],
    [90_000, '1m 30s'],
    [600_000, '10m'],
    [3_600_000, '1h'],
    [30 * 86_400_000, '30d'],
    [86_400_000 + 7_200_000 + 180_000 + 4_005, '1d 2h 3m 4s 5ms'],
    [LONGEST, 'for ever'],
    [Infinity, 'for ever'],
  ])('%d ms is %s', (ms, words) => {
    expect(inWords(ms)).toBe(words);
  });
});
