/** How many schedules the core has to pass in every run of the tests. */
export const SCHEDULES = 10_000;
