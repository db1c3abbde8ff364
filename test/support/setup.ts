// Decorated classes need the metadata API before their module is evaluated.
import 'reflect-metadata';
import { vi } from 'vitest';

/** Milliseconds. What never comes fails late, and what a busy machine delays does not fail. */
const PATIENCE = 20_000;

const { waitFor } = vi;
vi.waitFor = (condition, options = PATIENCE) => waitFor(condition, options);
