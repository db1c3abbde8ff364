import { Logger } from '@nestjs/common';

/**
 * `effect` says what happens instead: `Class.method runs uncached`. Callers warn once per method or job class: a unit
 * test may work without the module, an application should not.
 */
export function warnWithoutModule(effect: string): void {
  new Logger('AsyncCache').warn(
    `${effect}: its module does not see AsyncCacheModule, or Nest did not make the instance (it was made with new, or by a request-scoped useFactory)`,
  );
}
