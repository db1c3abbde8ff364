import { applyDecorators, Get, SetMetadata } from '@nestjs/common';
import { AsyncCached } from 'nestjs-async-cache';
export const Cached = () => applyDecorators(AsyncCached(60), SetMetadata('a', 1), Get());
export class A {
  @Cached()
  async x(): Promise<number> { return 1; }
}
