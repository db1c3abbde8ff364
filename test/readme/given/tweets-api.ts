import { Injectable } from '@nestjs/common';

export interface Tweet {
  text: string;
}

/** Every user tweets once between two calls. */
@Injectable()
export class TweetsApi {
  readonly #tweets = new Map<string, number>();

  async latest(username: string): Promise<Tweet[]> {
    const count = (this.#tweets.get(username) ?? 0) + 1;
    this.#tweets.set(username, count);
    return [{ text: `${username} ${count}` }];
  }
}
