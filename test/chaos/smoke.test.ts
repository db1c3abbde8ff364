import { describeGuarantees } from './describe-guarantees.js';
import { IN_EVERY_RUN } from './in-every-run.js';

// For every run of the tests, with the controls that must fail. The other guarantees are tested in `npm run test:long`.
describeGuarantees({ size: 'short', guarantees: IN_EVERY_RUN });
