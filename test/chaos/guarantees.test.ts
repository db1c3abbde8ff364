import { describeGuarantees } from './describe-guarantees.js';
import { IN_EVERY_RUN } from './in-every-run.js';
import { scenarios } from './scenarios/all-scenarios.js';

// The guarantees that `npm test` leaves out, each with few samples, and each control. `npm run guarantees` measures all at length.
const others = scenarios.map(({ guarantee }) => guarantee).filter((guarantee) => !IN_EVERY_RUN.includes(guarantee));
describeGuarantees({ size: 'short', guarantees: [...new Set(others)] });
