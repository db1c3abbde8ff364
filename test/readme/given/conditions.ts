import { eq as equal } from 'drizzle-orm';

export const eq = equal;
