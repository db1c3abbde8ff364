import type { Answer } from './answer.js';

/** An API whose answers say in their headers how a value came. */
export class HttpApi {
  constructor(private readonly url: string) {}

  async read<Value>(path: string): Promise<Answer<Value>> {
    const start = performance.now();
    const response = await this.fetch(path);
    const value = (await response.json()) as Value;
    const age = Number(response.headers.get('x-cache-age'));
    return {
      value,
      status: response.headers.get('x-cache') as Answer['status'],
      age,
      milliseconds: performance.now() - start,
      fetchedSince: start - age * 1000,
    };
  }

  send(method: 'PATCH' | 'POST', path: string, body: object): Promise<Response> {
    return this.fetch(path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  async fetch(path: string, init?: RequestInit): Promise<Response> {
    const response = await fetch(this.url + path, init);
    if (!response.ok) throw new Error(`${init?.method ?? 'GET'} ${path}: ${response.status} ${await response.text()}`);
    return response;
  }
}
