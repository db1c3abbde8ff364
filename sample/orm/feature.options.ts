/** Until a write, what was read is good for a long time. */
const ttl = '10m';

/** INVALIDATE=false is for seeing the demo fail: writes then make nothing stale. */
export const rows = { ttl, invalidate: process.env['INVALIDATE'] !== 'false' } as const;

/** A report in SQL is nothing that the ORM knows. It has the tags that a read of all cities would have. */
export const report = { ttl, tags: ['City', 'City:*'] } as const;

/** Every process connects as a role of its own, so that the database can count the queries of each. */
export const databaseUrl = process.env['DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/cities';
