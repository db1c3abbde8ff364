import type { ModulesContainer } from '@nestjs/core';

export type HostModule = ModulesContainer extends Map<string, infer Host> ? Host : never;

/**
 * Whether the exports of `wanted` can be injected in `host`: it is imported, or exported again by an imported module.
 */
export function seesModule(host: HostModule, wanted: HostModule): boolean {
  if (host === wanted || wanted.isGlobal) return true;
  const seen = new Set<HostModule>();
  const passesOn = (between: HostModule): boolean => {
    if (between === wanted) return true;
    if (seen.has(between)) return false;
    seen.add(between);
    return [...between.imports].some((imported) => between.exports.has(imported.metatype) && passesOn(imported));
  };
  return [...host.imports].some(passesOn);
}
