import { Logger } from '@nestjs/common';

/** Said once per method or job class: a plain unit test is meant to work without the module, an application is not. */
export function warnUncached(job: string): void {
  new Logger('AsyncCache').warn(
    `${job} runs uncached: its module does not see AsyncCacheModule, or Nest did not make the instance (it was made with new, or by a request-scoped useFactory)`,
  );
}
