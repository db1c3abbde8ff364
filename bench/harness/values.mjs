/** Records as an API returns them, of about so many bytes of JSON. */
export function documentOf(bytes) {
  const records = [];
  let length = 2;
  while (length < bytes) {
    const id = records.length;
    const record = {
      id,
      name: `City number ${id}`,
      country: 'DE',
      population: id * 1_117,
      location: { lat: 52.5 + id / 100, lon: 13.4 - id / 100 },
      capital: id % 7 === 0,
      tags: ['a', 'b'],
    };
    records.push(record);
    length += JSON.stringify(record).length + 1;
  }
  return records;
}

/** About 100 bytes of JSON. */
export const smallObject = (key) => ({
  id: key,
  name: `name of ${key}`,
  email: `${key}@example.org`,
  age: 42,
  active: true,
});

export class Row {
  constructor(id) {
    this.id = id;
    this.name = `row ${id}`;
    this.amount = id * 1.5;
  }
  get label() {
    return `${this.id}: ${this.name}`;
  }
}

/** Rows of a database: plain, with two Dates each, or instances of a class. */
export function rowsOf(count, kind) {
  return Array.from({ length: count }, (_, id) => {
    if (kind === 'instances') return new Row(id);
    const row = { id, name: `row ${id}`, amount: id * 1.5 };
    return kind === 'dates' ? { ...row, createdAt: new Date(1.7e12 + id), updatedAt: new Date(1.75e12 + id) } : row;
  });
}
