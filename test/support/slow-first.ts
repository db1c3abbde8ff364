import { BaseSequencer, type TestSequencerConstructor, type TestSpecification } from 'vitest/node';

/** Within each project the given files begin first. Vitest would begin with the largest, which need not take the longest. */
export function slowFirst(slow: readonly string[]): TestSequencerConstructor {
  const rank = ({ moduleId }: TestSpecification): number => {
    const found = slow.findIndex((file) => moduleId.endsWith(`/${file}`));
    return found === -1 ? slow.length : found;
  };
  return class SlowFirst extends BaseSequencer {
    override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      const sorted = await super.sort(files);
      const projects = [...new Set(sorted.map(({ project }) => project))];
      return projects.flatMap((own) =>
        sorted.filter(({ project }) => project === own).sort((one, other) => rank(one) - rank(other)),
      );
    }
  };
}
