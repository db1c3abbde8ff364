import { Injectable } from '@nestjs/common';

export interface Feed {
  etag: string;
  posts: number;
}

export interface FeedRequest {
  signal: AbortSignal;
  etag: string | undefined;
}

@Injectable()
export class FeedsApi {
  /** The status of each answer. */
  readonly answers: number[] = [];
  readonly #feed: Feed = { etag: 'v1', posts: 3 };

  async get(
    _url: string,
    { signal, etag }: FeedRequest,
  ): Promise<{ maxAge: number; notModified: boolean; feed: Feed }> {
    signal.throwIfAborted();
    const notModified = etag === this.#feed.etag;
    this.answers.push(notModified ? 304 : 200);
    return { maxAge: 30, notModified, feed: this.#feed };
  }
}
