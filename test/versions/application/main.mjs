import { fileURLToPath } from 'node:url';
import suite from './suite.cjs';

await suite.run((name) => import(name), fileURLToPath(import.meta.url));
