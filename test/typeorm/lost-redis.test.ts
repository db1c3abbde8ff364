import { describeLostRedis } from '../orm/support/describe-lost-redis.js';
import { TYPEORM } from './support/typeorm-under-test.js';

describeLostRedis(TYPEORM);
