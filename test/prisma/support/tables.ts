/** What `prisma migrate` makes of `schema.prisma`: it needs an engine that would have to be downloaded. */
export const TABLES = `
CREATE TYPE "Color" AS ENUM ('red', 'green');
CREATE TABLE profile (id SERIAL PRIMARY KEY, city TEXT NOT NULL);
CREATE TABLE "Role" (name TEXT PRIMARY KEY);
CREATE TABLE account (
  id SERIAL PRIMARY KEY,
  username TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  is_staff BOOLEAN NOT NULL DEFAULT false,
  age INTEGER,
  "createdAt" TIMESTAMPTZ NOT NULL DEFAULT now(),
  "profileId" INTEGER UNIQUE REFERENCES profile ON DELETE SET NULL ON UPDATE CASCADE,
  UNIQUE (name, age)
);
CREATE TABLE purchase (
  id SERIAL PRIMARY KEY,
  total DECIMAL(10, 2) NOT NULL,
  "userId" INTEGER REFERENCES account ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "_RoleToUser" (
  "A" TEXT NOT NULL REFERENCES "Role" ON DELETE CASCADE ON UPDATE CASCADE,
  "B" INTEGER NOT NULL REFERENCES account ON DELETE CASCADE ON UPDATE CASCADE,
  PRIMARY KEY ("A", "B")
);
CREATE TABLE "Everything" (
  id UUID PRIMARY KEY,
  big BIGINT NOT NULL,
  "decimal" DECIMAL(65, 30) NOT NULL,
  double DOUBLE PRECISION NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  day DATE NOT NULL,
  bytes BYTEA NOT NULL,
  json JSONB,
  list TEXT[],
  color "Color" NOT NULL,
  nothing TEXT
);
`;
