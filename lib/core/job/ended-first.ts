/**
 * Settles as a run does, when `end` has been called: who goes on from it does not find the run under way any more. `ended`
 * is called after `end`, with the result.
 */
export function endedFirst<Result>(
  run: Promise<Result>,
  end: () => void,
  ended?: (result: Result) => void,
): Promise<Result> {
  return run.then(
    (result) => {
      end();
      ended?.(result);
      return result;
    },
    (error: unknown) => {
      end();
      throw error;
    },
  );
}
