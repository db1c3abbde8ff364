import { afterAll, expect, it } from 'vitest';
import { pages } from './pages.js';
import { Project } from './project.js';

// The block of docs/writing-a-store.md is a suite of tests, so it is imported while this file collects its own.
const project = new Project(pages().flatMap(({ blocks }) => blocks.filter(({ id }) => id === 'my-store.spec.ts')));
await project.load('my-store.spec.ts');

afterAll(() => {
  project.remove();
});

it('is a suite of its own', () => {
  expect(project.blocks).toHaveLength(1);
});
