import type { ServerResponse } from 'node:http';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Reading } from 'nestjs-async-cache';
import { map, type Observable } from 'rxjs';

/** Answers with the value of a reading, and says in headers how it came. */
@Injectable()
export class ReadingInterceptor implements NestInterceptor<Reading> {
  intercept(context: ExecutionContext, next: CallHandler<Reading>): Observable<unknown> {
    const response = context.switchToHttp().getResponse<ServerResponse>();
    return next.handle().pipe(
      map(({ value, status, age, refreshing }) => {
        response.setHeader('x-cache', status);
        response.setHeader('x-cache-age', age.toFixed(3));
        response.setHeader('x-cache-refreshing', String(refreshing));
        return value;
      }),
    );
  }
}
