import { execFileSync } from 'node:child_process';

/** Once for all tests of the sample: `npm run test:long` has built the package only. */
export function setup(): void {
  execFileSync('npx', ['tsc', '-p', 'sample'], { stdio: 'inherit' });
}
