import type { Noticeboard } from '../core/ports.js';
import type { ProcessWatch } from './process-watch.js';

/** Milliseconds between two looks whether somebody looks at a dashboard: one HGET each. */
const LOOK_INTERVAL = 2_000;
/** Milliseconds between two reports while somebody does. */
const REPORT_INTERVAL = 1_000;
/** Milliseconds for which a report and the note of a viewer count. */
const LASTING = 5_000;

const VIEWER = 'viewer';
const REPORTS = 'process:';

/**
 * Lets a dashboard in any process of the application see this one. Nothing is reported while nobody looks. A failure is
 * left alone: a store that is away is reported by those who need it, and here the next look is seconds away.
 */
export class ProcessReporter {
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** Dashboards of this process that are looked at. They read its watch themselves. */
  #viewed = false;

  constructor(
    readonly watch: ProcessWatch,
    /** Undefined: no other process shares anything with this one. */
    private readonly board: Noticeboard | undefined,
  ) {}

  /** Nest's hook. */
  onApplicationBootstrap(): void {
    if (this.board !== undefined) this.#lookIn(LOOK_INTERVAL, this.board);
  }

  /** Nest's hook. */
  onModuleDestroy(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.watch.stop();
  }

  /** A dashboard of this process begins or ends to be looked at. */
  viewed(isViewed: boolean): void {
    this.#viewed = isViewed;
    if (isViewed) this.watch.start();
    else this.watch.stop();
  }

  /** The other processes' reports. Asks them to go on for some seconds, so it is called once a second. */
  async others(): Promise<readonly string[]> {
    const { board, watch } = this;
    if (board === undefined) return [];
    const [, notes] = await Promise.all([board.post(VIEWER, watch.id, LASTING), board.readAll()]);
    return [...notes].flatMap(([name, text]) =>
      name.startsWith(REPORTS) && name !== REPORTS + watch.id ? [text] : [],
    );
  }

  /** The text that all processes agree on under a name; `proposal` where nothing is shared. */
  async agree(name: string, proposal: string, ms: number): Promise<string> {
    return this.board === undefined ? proposal : this.board.agree(name, proposal, ms);
  }

  #lookIn(ms: number, board: Noticeboard): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#look(board).then(
        (isViewed) => {
          this.#lookIn(isViewed ? REPORT_INTERVAL : LOOK_INTERVAL, board);
        },
        () => {
          this.#lookIn(LOOK_INTERVAL, board);
        },
      );
    }, ms).unref();
  }

  async #look(board: Noticeboard): Promise<boolean> {
    const isViewed = (await board.read(VIEWER)) !== undefined;
    if (isViewed) {
      this.watch.start();
      await board.post(REPORTS + this.watch.id, JSON.stringify(this.watch.report()), LASTING);
    } else if (!this.#viewed) this.watch.stop();
    return isViewed;
  }
}
