import { ConfigurationError } from '../core/errors.js';

/**
 * Replaces a decorated method by a wrapper. The wrapper has the method's name, length and metadata, so that decorators
 * below it (routes, guards) still count. Throws a {@link ConfigurationError} on anything but a method.
 */
export function replaceMethod<Original extends (...args: never[]) => unknown>(
  decorator: string,
  target: object,
  propertyKey: string | symbol,
  descriptor: PropertyDescriptor | undefined,
  wrap: (original: Original) => Original,
): void {
  const original: unknown = descriptor?.value;
  if (descriptor === undefined || typeof original !== 'function' || typeof target === 'function') {
    throw new ConfigurationError(
      `@${decorator} stands on ${methodNameOf(target, propertyKey)}, which is no method of an instance`,
      'Put it on a method that returns a Promise or an Observable, and compile with experimentalDecorators as Nest does',
    );
  }
  const wrapper = wrap(original as Original);
  for (const key of Reflect.getMetadataKeys(original)) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, original), wrapper);
  }
  for (const property of ['name', 'length'] as const) {
    Object.defineProperty(wrapper, property, { value: original[property], configurable: true });
  }
  descriptor.value = wrapper;
}

/** `Class.method`, as messages name a method. */
export function methodNameOf(target: object, propertyKey: string | symbol): string {
  return `${typeof target === 'function' ? target.name : target.constructor.name}.${String(propertyKey)}`;
}
