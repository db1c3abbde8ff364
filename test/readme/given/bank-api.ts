import { Injectable } from '@nestjs/common';

export class NotFound extends Error {}

@Injectable()
export class BankApi {
  isDown = false;
  readonly #asked: string[] = [];

  async rate(currency: string): Promise<number> {
    this.#asked.push(currency);
    if (this.isDown) throw new Error('the bank is closed');
    if (currency === 'XXX') throw new NotFound('no such currency');
    return 1.1;
  }

  asked(currency: string): number {
    return this.#asked.filter((each) => each === currency).length;
  }
}
