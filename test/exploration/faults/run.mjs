// npm run test:faults -- [--topology all|single|…] [--seed N] [--minutes N | --sections N] [--lib own|redlock5|…]
// See README.md beside this file.
import '../../support/register-ts.mjs';

await import('./runner/main.ts');
