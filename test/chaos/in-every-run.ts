/** The guarantees on which the others rest. */
export const IN_EVERY_RUN: readonly string[] = ['G2', 'G4', 'G5', 'G6'];
