/** A value for a column of each type that the ORMs have in common. */
export const COLUMN_VALUES = {
  big: '9007199254740993',
  decimal: '12345678901234567890.123',
  double: 0.1,
  at: new Date('2026-03-29T01:30:00.123Z'),
  day: '2026-02-28',
  time: '23:59:59',
  bytes: Buffer.from([0, 255]),
  json: { a: [1, null, { b: 'ü' }] },
  numbers: [3, 1, 2],
  color: 'green' as const,
  nothing: null,
};
