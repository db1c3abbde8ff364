import { types } from 'node:util';

type Rebuild = (bytes: ArrayBuffer) => ArrayBufferView;

/** A closed list on purpose, because the names come from stored bytes. */
const REBUILD: ReadonlyMap<string, Rebuild> = new Map<string, Rebuild>([
  ['Buffer', (bytes) => Buffer.from(bytes)],
  ['DataView', (bytes) => new DataView(bytes)],
  ['Uint8Array', (bytes) => new Uint8Array(bytes)],
  ['Uint8ClampedArray', (bytes) => new Uint8ClampedArray(bytes)],
  ['Uint16Array', (bytes) => new Uint16Array(bytes)],
  ['Uint32Array', (bytes) => new Uint32Array(bytes)],
  ['Int8Array', (bytes) => new Int8Array(bytes)],
  ['Int16Array', (bytes) => new Int16Array(bytes)],
  ['Int32Array', (bytes) => new Int32Array(bytes)],
  ['Float32Array', (bytes) => new Float32Array(bytes)],
  ['Float64Array', (bytes) => new Float64Array(bytes)],
  ['BigInt64Array', (bytes) => new BigInt64Array(bytes)],
  ['BigUint64Array', (bytes) => new BigUint64Array(bytes)],
]);

/** The built-in kind of a view, whatever class extends it. */
export function viewKind(view: ArrayBufferView): string {
  if (Buffer.isBuffer(view)) return 'Buffer';
  return types.isTypedArray(view) ? view[Symbol.toStringTag] : 'DataView';
}

/** The bytes of a view without copying them. */
export function bytesOf(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

export function rebuildView(kind: string, bytes: ArrayBuffer): ArrayBufferView | undefined {
  return REBUILD.get(kind)?.(bytes);
}

/** A copy that shares no memory with pooled Buffers or other threads. */
export function detach(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(copy).set(bytes);
  return copy;
}
