import type { AsyncCacheOptions } from 'nestjs-async-cache';
import { options } from '../distributed/async-cache.options.js';

/** CACHE=false and REFRESH_IN=web are for seeing the demo fail. */
const enabled = process.env['CACHE'] !== 'false';
const asksOnly = { ...options, enabled, worker: false } as const;
const refreshes = { ...options, enabled, worker: { concurrency: 4 } };
const isSwapped = process.env['REFRESH_IN'] === 'web';

/** Answers requests and only asks for refreshes. */
export const web: AsyncCacheOptions = isSwapped ? refreshes : asksOnly;

/** Runs refreshes. */
export const worker: AsyncCacheOptions = isSwapped ? asksOnly : refreshes;
