import { ConfigurationError } from '../errors.js';
import { asInstance, deserialize, toValueType, type ValueType, ValueTypes } from './value-types.js';

/** Stored bytes may name anything. This many unknown names are remembered, so that each is reported once. */
const MOST_UNKNOWN_NAMES = 100;

/**
 * The classes of one application whose instances survive. Their names are stored, so each name stands for one class.
 */
export class ValueTypeRegistry {
  /** The classes of all jobs, any of which a store may find in its bytes. */
  readonly all = new ValueTypes();
  readonly #ofEveryJob: readonly ValueType[];
  readonly #unknown = new Set<string>();

  /** @param onUnknown is called once for each class that bytes name and nobody has registered. */
  constructor(
    ofEveryJob: readonly unknown[] = [],
    private readonly onUnknown: (className: string) => void = () => undefined,
  ) {
    this.#ofEveryJob = ofEveryJob.map((option) => this.#register('forRoot', option));
  }

  /** The classes of one job, and those of every job. Throws a `ConfigurationError` for a wrong option. */
  ofJob(job: string, options: readonly unknown[]): ValueTypes {
    return new ValueTypes([...this.#ofEveryJob, ...options.map((option) => this.#register(job, option))]);
  }

  /**
   * Makes an instance of the class that stored bytes name. Content of a class that is not registered is returned as it
   * is and reported once. Throws when the content does not fit the class.
   */
  restore(name: string, content: unknown, isCustom: boolean): unknown {
    const type = this.all.named(name);
    if (type === undefined) {
      this.#reportUnknown(name);
      return content;
    }
    if (isCustom !== (type.custom !== undefined)) throw new TypeError(`${name} was stored in another form`);
    return type.custom === undefined ? asInstance(content as object, type) : deserialize(content, type, type.custom);
  }

  #register(owner: string, option: unknown): ValueType {
    const type = toValueType(owner, option);
    const known = this.all.named(type.name);
    if (known !== undefined && known.prototype !== type.prototype) {
      throw new ConfigurationError(
        `types of ${owner} has a second class named ${type.name}`,
        `The name is what is stored: tell them apart with { type: ${type.name}, name: '…' }`,
      );
    }
    if (known === undefined) this.all.add(type);
    return known ?? type;
  }

  #reportUnknown(name: string): void {
    if (this.#unknown.has(name) || this.#unknown.size >= MOST_UNKNOWN_NAMES) return;
    this.#unknown.add(name);
    this.onUnknown(name);
  }
}
