import { describeLostRedis } from '../orm/support/describe-lost-redis.js';
import { PRISMA } from './support/prisma-under-test.js';

describeLostRedis(PRISMA);
