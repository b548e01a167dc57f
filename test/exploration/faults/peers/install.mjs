// Installs the peers into this folder by its lock file, unless they are there already. They are no dependency of the
// project: only who runs the fault suite against them needs them.
import { fileURLToPath } from 'node:url';
import { installPackages } from '../../../support/install-packages.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

/** @throws Error if npm fails */
export function installPeers() {
  installPackages(here);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) installPeers();
