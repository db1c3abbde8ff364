/** An answer that says no, and what to do. Its message goes to the page. */
export class Refusal extends Error {
  static {
    this.prototype.name = 'Refusal';
  }

  constructor(
    readonly status: number,
    message: string,
    /** For the page, where it has to do something. */
    readonly code?: 'token',
  ) {
    super(message);
  }
}
