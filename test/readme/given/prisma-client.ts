export { PrismaClient } from '../../prisma/support/generated/ts/client.js';
