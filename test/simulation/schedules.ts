/** Number of schedules that the core must pass in every run of the tests. */
export const SCHEDULES = 2_000;

/** Number of schedules that it must pass in `npm run test:long`. Each mutant must be found within as many. */
export const SCHEDULES_AT_LENGTH = 10_000;
