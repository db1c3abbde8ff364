import { describeDeaths } from '../orm/support/accounts.js';

describeDeaths(new URL('support/account-process.mjs', import.meta.url), 12);
