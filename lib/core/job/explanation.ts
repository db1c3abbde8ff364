/** Why a key has the value it has. Seconds, and Dates. */
export interface Explanation {
  /** The key, as it is stored below the prefix. */
  readonly key: string;
  /** Name of the job. */
  readonly job: string;
  /** Whether there is a value, and whether it is fresh. */
  readonly status: 'fresh' | 'stale' | 'absent';
  /** Seconds since the start of the fetch that got the value. */
  readonly age?: number;
  /** The start of that fetch. */
  readonly storedAt?: Date;
  /** The last instant at which the value is fresh. */
  readonly freshUntil?: Date;
  /** The last instant at which the value may be served. */
  readonly staleUntil?: Date;
  /** Names under which `invalidateTags` and `deleteTags` find the entry. */
  readonly tags: readonly string[];
  /** Somebody is fetching the key; if the holder dies, another one may in so many seconds. */
  readonly lease?: { readonly remaining: number };
  /** Refreshes that failed in a row. */
  readonly failures: number;
  /** Message of the latest of these failures. */
  readonly lastError?: string;
  /** No process attempts a refresh before this instant. */
  readonly nextAttempt?: Date;
  /** A request for a refresh is waiting or running. Undefined: the queue cannot say. */
  readonly queued?: boolean;
  /** This process holds a copy of the entry of a shared store. */
  readonly copy: boolean;
  /** How many live workers know the job. Undefined: nobody can say. */
  readonly workers?: number;
  /** The same in a few sentences. */
  readonly text: string;
}
