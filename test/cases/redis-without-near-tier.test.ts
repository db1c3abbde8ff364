import { inject } from 'vitest';
import { describeCases } from './describe-cases.js';

const { hostname, port } = new URL(inject('redisUrl'));
const connection = { host: hostname, port: Number(port) };

describeCases('on Redis without a near tier', {
  options: () => ({ connection, storeTimeout: '10s', near: false }),
  time: 'real',
  shared: true,
});
