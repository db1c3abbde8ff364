import { CronExpressionParser } from 'cron-parser';
import type { CronTiming, Timetable } from '../core/ports.js';

/** Reads cron patterns with the parser that BullMQ uses, so that a pattern means the same embedded and on Redis. */
export class CronTimetable implements Timetable {
  next({ pattern, tz }: CronTiming, after: number): number {
    const expression = CronExpressionParser.parse(pattern, {
      currentDate: new Date(after),
      ...(tz === undefined ? {} : { tz }),
    });
    return expression.next().getTime();
  }
}
