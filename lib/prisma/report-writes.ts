import { ClientLink, LINK, type Operation } from './client-link.js';
import { dataModelOf } from './data-model.js';

interface Extendable {
  readonly $extends: (extension: object) => object;
  readonly $transaction: (...args: never[]) => Promise<unknown>;
}

/**
 * A client that reports its writes to the cached delegates, and is the same to its users. Give it to Nest in the place of
 * yours: `reportWrites(new PrismaClient(…))`, `client.$extends(reportWrites)`, or `return reportWrites(this)` at the end
 * of the constructor of a class that extends `PrismaClient`. Writes of the client that was given are not reported.
 */
export function reportWrites<Client extends object>(client: Client): Client {
  dataModelOf(client, 'default');
  const link = new ClientLink();
  const { $extends: extend, $transaction: start } = client as unknown as Extendable;
  const extension = {
    name: 'nestjs-async-cache',
    client: {
      [LINK]: link,
      $transaction(this: object, input: unknown, options?: unknown): Promise<unknown> {
        return link.transact(this, start as never, input, options);
      },
    },
    query: { $allModels: { $allOperations: (operation: Operation) => link.operate(operation) } },
  };
  return Reflect.apply(extend, client, [extension]) as Client;
}
