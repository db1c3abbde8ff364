import 'reflect-metadata';

/** What TypeScript makes of a method decorator: these files are plain JavaScript. */
export function decorateMethod(prototype, name, decorators, { returns = Promise, parameters = [] } = {}) {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  Reflect.defineMetadata('design:type', Function, prototype, name);
  Reflect.defineMetadata('design:paramtypes', parameters, prototype, name);
  Reflect.defineMetadata('design:returntype', returns, prototype, name);
  let replaced = descriptor;
  for (const decorate of decorators.toReversed()) replaced = decorate(prototype, name, replaced) ?? replaced;
  Object.defineProperty(prototype, name, replaced);
}

/** The same for a class with constructor parameters. */
export function decorateClass(target, decorators, parameters = []) {
  Reflect.defineMetadata('design:paramtypes', parameters, target);
  for (const decorate of decorators.toReversed()) decorate(target);
}
