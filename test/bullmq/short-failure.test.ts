import { expect, it } from 'vitest';
import { shortFailure } from '../../lib/bullmq/short-failure.js';

it('a failure with a message of 2 MB is written into Redis with the beginning of it', () => {
  const error = new TypeError('x'.repeat(2_000_000));
  const short = shortFailure(error);
  expect(short.name).toBe('TypeError');
  expect(short.cause).toBe(error);
  for (const text of [short.message, short.stack ?? '']) expect(text.length).toBeLessThan(5_000);
});

it('a failure with a message of usual length is the one that was thrown', () => {
  const error = new TypeError('The origin is down');
  expect(shortFailure(error)).toBe(error);
});

it('what is no error becomes one', () => {
  expect(shortFailure('down')).toMatchObject({ message: 'down', cause: 'down' });
});
