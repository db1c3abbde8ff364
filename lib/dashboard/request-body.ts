import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal.js';

/** Bytes. */
const LONGEST = 64 * 1_024;

/**
 * The JSON object that was posted: as a body parser of the application has left it, else read here. Throws a {@link Refusal}
 * for anything else.
 */
export async function requestBody(raw: IncomingMessage, parsed: unknown): Promise<Readonly<Record<string, unknown>>> {
  if (!/^application\/json\b/i.test(raw.headers['content-type'] ?? '')) {
    throw new Refusal(415, 'The content type must be application/json.');
  }
  const body = raw.readableEnded || raw.complete ? (parsed ?? (await read(raw))) : await read(raw);
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw new Refusal(400, 'The body must be a JSON object.');
}

async function read(raw: IncomingMessage): Promise<unknown> {
  if (raw.readableEnded) return undefined;
  const bytes = await bytesOf(raw);
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new Refusal(400, 'The body is not JSON.');
  }
}

/** Not by iteration, which would destroy the connection before the refusal of a long body is written to it. */
function bytesOf(raw: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    raw.on('data', (part: Buffer) => {
      length += part.length;
      if (length <= LONGEST) parts.push(part);
      else reject(new Refusal(413, `The body is longer than ${String(LONGEST)} bytes.`));
    });
    raw.once('end', () => {
      resolve(Buffer.concat(parts));
    });
    raw.once('error', reject);
    raw.once('close', () => {
      reject(new Refusal(400, 'The body did not arrive.'));
    });
  });
}
