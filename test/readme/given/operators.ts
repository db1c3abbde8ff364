/** Whoever may see and do what, by the header that a proxy or a session has checked. */
export class Operators {
  async roleOf(authorization: string | undefined): Promise<'operator' | 'support' | undefined> {
    if (authorization === 'Bearer of an operator') return 'operator';
    return authorization === 'Bearer of support' ? 'support' : undefined;
  }
}
