import { describeGuarantees } from './describe-guarantees.js';

// Beside other tests, since what it judges are counts, and waits of many seconds.
describeGuarantees({ size: 'short', guarantees: ['G16'] });
