import { Cluster, type ClusterOptions } from './cluster.js';

/** Hands out clusters, the same one again to whoever wants the same options next. To be closed at the end. */
export class Clusters {
  #running: { readonly options: string; readonly cluster: Cluster } | undefined;

  async get(options: ClusterOptions): Promise<Cluster> {
    const wanted = JSON.stringify(options, Object.keys(options).sort());
    if (this.#running?.options === wanted) return this.#running.cluster;
    await this.close();
    const cluster = await Cluster.start(options);
    this.#running = { options: wanted, cluster };
    return cluster;
  }

  async close(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.cluster.stop();
  }
}
