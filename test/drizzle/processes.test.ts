import { describeProcesses } from '../orm/support/accounts.js';

describeProcesses(new URL('support/account-process.mjs', import.meta.url));
