/** Objects in objects that a value may have. Deeper values are refused when they are stored and when they are read. */
export const DEEPEST = 1_000;

/** Empty places that the arrays of a value or of an argument may have together: `array[4e9] = 1` makes billions. */
export const MOST_HOLES = 10_000;
