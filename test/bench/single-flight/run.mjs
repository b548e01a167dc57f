// npm run bench:single-flight -- [--rounds N]
// See "Readers of a cache" in README.md of the folder above.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installPackages } from '../../support/install-packages.mjs';
import '../../support/register-ts.mjs';

const bench = fileURLToPath(new URL('..', import.meta.url));
if (!existsSync(`${bench}../../dist/esm/index.js`)) throw new Error('Run "npm run build" first.');
installPackages(`${bench}contestants/`);
await import('./main.ts');
