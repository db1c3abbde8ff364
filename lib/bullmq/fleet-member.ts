/** A process whose worker takes requests from the queue, as it describes itself beside the queue. */
export interface FleetMember {
  /** The name of its application. */
  readonly application: string;
  readonly host: string;
  readonly pid: number;
  /** When it started, in milliseconds since the epoch by its own clock. */
  readonly since: number;
  /** What the keys of each of its jobs begin with. */
  readonly prefixes: readonly string[];
}

const LONGEST_NAME = 200;

/** Undefined for bytes that are no description: anybody who can write to Redis can leave some. */
export function decodeMember(description: string, prefixes: string | undefined): FleetMember | undefined {
  try {
    const { application, host, pid, since } = JSON.parse(description) as Partial<Record<string, unknown>>;
    const list: unknown = JSON.parse(prefixes ?? '[]');
    if (typeof application !== 'string' || typeof host !== 'string' || !Array.isArray(list)) return undefined;
    return {
      application: application.slice(0, LONGEST_NAME),
      host: host.slice(0, LONGEST_NAME),
      pid: Number(pid),
      since: Number(since),
      prefixes: list.filter((each) => typeof each === 'string'),
    };
  } catch {
    return undefined;
  }
}
