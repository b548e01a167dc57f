import { swcTransform } from './test/swc-transform.mjs';

const [swc, options] = swcTransform;

/** Jest as Nest 11 sets it up: everything CommonJS. @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  transform: { '^.+\\.ts$': [swc, { ...options, module: { type: 'commonjs' } }] },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  testTimeout: 30_000,
  maxWorkers: 2,
};
