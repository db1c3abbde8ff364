const SETTERS = Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith('set'));

function refuse(): never {
  throw new TypeError(
    'This Date is shared by all readers of the cache: change a copy, new Date(date), or set readOnly: false',
  );
}

const REFUSING: PropertyDescriptorMap = Object.fromEntries(SETTERS.map((name) => [name, { value: refuse }]));

/**
 * Makes a Date that readers may share. Its setters are replaced by own members that are not enumerable. An intermediate
 * prototype is not used, because the result would not be a Date to `assert.deepStrictEqual`. Object.freeze() alone
 * leaves the setters working.
 */
export function makeReadOnly(date: Date): void {
  Object.freeze(Object.defineProperties(date, REFUSING));
}
