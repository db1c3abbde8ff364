import { describeGuarantees } from './describe-guarantees.js';

// Each guarantee with few samples, and each control. `npm run guarantees` measures at length.
describeGuarantees({ size: 'short' });
