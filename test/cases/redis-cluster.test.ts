import { clusterConnection } from '../redis/cluster-connection.js';
import { describeCases } from './describe-cases.js';

const connection = clusterConnection();

describeCases('on a Redis Cluster', {
  options: () => ({ connection: connection(), storeTimeout: '10s' }),
  time: 'real',
  shared: true,
});
