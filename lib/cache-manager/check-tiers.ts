import { ConfigurationError, StoreError, StoreTimeoutError } from '../core/errors.js';
import type { Clock } from '../core/ports.js';
import { probeTier } from './probe-tier.js';
import type { Tier } from './tier.js';

export type CacheCheck = { readonly kind: 'works' } | { readonly kind: 'unreachable'; readonly error: StoreError };

/** Rejects with a `ConfigurationError` where a store answers something wrong; one that does not answer is `unreachable`. */
export async function checkTiers(tiers: readonly Tier[], name: string, clock: Clock, timeoutMs: number): Promise<CacheCheck> {
  const failures = await Promise.all(tiers.map((tier) => failureOf(tier, name, clock, timeoutMs)));
  const mistake = failures.find((failure) => failure instanceof ConfigurationError);
  if (mistake !== undefined) throw mistake;
  const error = failures.find((failure) => failure instanceof StoreError);
  return error === undefined ? { kind: 'works' } : { kind: 'unreachable', error };
}

async function failureOf(
  tier: Tier,
  name: string,
  clock: Clock,
  timeoutMs: number,
): Promise<ConfigurationError | StoreError | undefined> {
  let cancel = (): void => undefined;
  const timeout = new Promise<never>((_, reject) => {
    cancel = clock.schedule(timeoutMs, () => {
      reject(new StoreTimeoutError('check', timeoutMs));
    });
  });
  try {
    await Promise.race([probeTier(tier, name), timeout]);
    return undefined;
  } catch (error) {
    if (error instanceof ConfigurationError || error instanceof StoreError) return error;
    return new StoreError('check', { cause: error });
  } finally {
    cancel();
  }
}
