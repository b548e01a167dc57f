// npm run bench -- [--quick] [--case lone,hot] [--contestant nestjs-redis-lock,redlock-5] [--rounds N] [--out DIR]
// See README.md beside this file.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installPackages } from '../support/install-packages.mjs';
import '../support/register-ts.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
if (!existsSync(`${here}../../dist/esm/index.js`)) throw new Error('Run "npm run build" first.');
installPackages(`${here}contestants/`);
await import('./main.ts');
