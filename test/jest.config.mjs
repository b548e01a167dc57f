// Nest 12 is ESM only, so Jest runs ES modules here: start it with `npm run jest`, which passes
// --experimental-vm-modules to node.
import { swcTransform } from './swc-transform.mjs';

/** @type {import('jest').Config} */
export default {
  rootDir: '..',
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  // Each of these is a package or a run of its own: see their scripts in package.json.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/packages/', '<rootDir>/test/redisson/'],
  modulePathIgnorePatterns: [
    '<rootDir>/dist/',
    '<rootDir>/test/bench/contestants/node_modules/',
    '<rootDir>/test/packages/',
  ],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': swcTransform },
  moduleNameMapper: {
    '^nestjs-redis-lock$': '<rootDir>/lib/index.ts',
    '^nestjs-redis-lock/(.+)$': '<rootDir>/lib/$1/index.ts',
    // TypeScript sources import './x.js' and the file is './x.ts'.
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  // Generous, since a test or a set-up that starts servers and processes takes several times as long on a busy machine.
  testTimeout: 120_000,
  // Not in the system's temporary directory: a run leaves nothing there.
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  reporters: ['default', '<rootDir>/test/support/skip-reporter.mjs'],
  // Most tests wait most of their time: more than one for each of two cores.
  maxWorkers: 4,
};
