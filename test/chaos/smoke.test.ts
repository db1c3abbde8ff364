import { describeGuarantees } from './describe-guarantees.js';

// For every run of the tests: the guarantees on which the others rest, with the controls that must fail. All guarantees
// run in `npm run test:long`.
describeGuarantees({ size: 'short', guarantees: ['G2', 'G4', 'G5', 'G6'] });
