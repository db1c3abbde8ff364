import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  NotFoundException,
  type NestInterceptor,
} from '@nestjs/common';
import { catchError, type Observable, throwError } from 'rxjs';
import { Cities } from './cities.js';

/** An absent row is the ORM's own error also where the read is cached. The API answers it with 404. */
@Injectable()
export class AbsentRowInterceptor implements NestInterceptor {
  constructor(private readonly cities: Cities) {}

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next
      .handle()
      .pipe(
        catchError((error: unknown) =>
          throwError(() => (this.cities.isAbsent(error) ? new NotFoundException('There is no such row.') : error)),
        ),
      );
  }
}
