import type { Fill } from '../core/entry.js';
import type { Terms } from './stored-entry.js';

/** How many different terms are shared. Jobs need a few, unless each value has a ttl of its own. */
const MOST_TERMS = 1_000;

/** Gives values with the same terms the same object. */
export class SharedTerms {
  readonly #all = new Map<string, Terms>();
  /** Those of the latest value. */
  #lately: Terms | undefined;

  constructor(private readonly common: Pick<Terms, 'epoch' | 'generation'>) {}

  of(fill: Fill): Terms {
    // Most fills of a while are of one job: comparing costs less than the text that finds the terms.
    if (this.#lately === undefined || !areTermsOf(this.#lately, fill)) this.#lately = this.#find(fill);
    // The inherited age belongs to one value, so its terms cannot be shared.
    return fill.inheritedAge === undefined ? this.#lately : { ...this.#lately, inheritedAge: fill.inheritedAge };
  }

  #find({ kind, copyOnRead, ttl, grace, tags }: Fill): Terms {
    const id = JSON.stringify([kind, copyOnRead, ttl, grace, tags]);
    let terms = this.#all.get(id);
    if (terms === undefined) {
      // A remembered error is never served past its ttl.
      const graceful = kind === 'error' ? 0 : grace;
      const own = { kind, copyOnRead, ttl, grace: graceful, keep: ttl + graceful, tags: Object.freeze([...tags]) };
      terms = { ...own, inheritedAge: 0, failure: undefined, ...this.common };
      if (this.#all.size >= MOST_TERMS) this.#all.clear();
      this.#all.set(id, terms);
    }
    return terms;
  }
}

/** Whether a value has these terms. The grace of a remembered error is not that of its fill, so errors are looked up. */
function areTermsOf(terms: Terms, { kind, copyOnRead, ttl, grace, tags }: Fill): boolean {
  return (
    kind === 'value' &&
    terms.kind === kind &&
    terms.ttl === ttl &&
    terms.grace === grace &&
    terms.copyOnRead === copyOnRead &&
    terms.tags.length === tags.length &&
    terms.tags.every((tag, index) => tag === tags[index])
  );
}
