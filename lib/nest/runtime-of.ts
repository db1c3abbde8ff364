import { Inject, Optional } from '@nestjs/common';
import 'reflect-metadata';
import type { AsyncCacheRuntime } from './async-cache-runtime.js';
import { RUNTIME } from './tokens.js';

interface Injected {
  [RUNTIME]?: AsyncCacheRuntime;
}

const INJECTED = Symbol.for('nestjs-async-cache injected');

/**
 * Makes Nest inject the runtime into the instances of a class. Property injection reaches instances of every scope, and
 * needs no static state that two applications would share.
 */
export function injectRuntime(prototype: object): void {
  // Once per class and not per method: Nest looks up each registered property for each instance.
  if (Reflect.hasMetadata(INJECTED, prototype)) return;
  Reflect.defineMetadata(INJECTED, true, prototype);
  Inject(RUNTIME)(prototype, RUNTIME);
  Optional()(prototype, RUNTIME);
}

/** The runtime that Nest has injected into an instance; undefined without the module. */
export function runtimeOf(instance: object): AsyncCacheRuntime | undefined {
  return (instance as Injected)[RUNTIME];
}

/**
 * For instances into which Nest injects no properties: those made by factories, and values. A value that several
 * applications share belongs to the last one.
 */
export function giveRuntime(instance: object, runtime: AsyncCacheRuntime): void {
  Reflect.defineProperty(instance, RUNTIME, { value: runtime, writable: true, configurable: true });
}
