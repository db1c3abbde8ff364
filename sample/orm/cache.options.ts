import type { AsyncCacheOptions } from 'nestjs-async-cache';
import { options } from '../distributed/async-cache.options.js';

/** CACHE=false and WEB_REFRESHES=true are for seeing the demo fail. */
const enabled = process.env['CACHE'] !== 'false';
const webRefreshes = process.env['WEB_REFRESHES'] === 'true';

/** Answers requests and only asks for refreshes. */
export const web: AsyncCacheOptions = { ...options, enabled, ...(webRefreshes ? {} : { worker: false }) };

/** Runs refreshes. */
export const worker: AsyncCacheOptions = { ...options, enabled, worker: { concurrency: 4 } };
