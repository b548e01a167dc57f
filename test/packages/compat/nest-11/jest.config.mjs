import { swcTransform } from './test/swc-transform.mjs';

const [swc, options] = swcTransform;

/** Jest as Nest 11 sets it up: everything CommonJS. */
const project = {
  testEnvironment: 'node',
  transform: { '^.+\\.ts$': [swc, { ...options, module: { type: 'commonjs' } }] },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
};

/** @type {import('jest').Config} */
export default {
  projects: [
    { ...project, displayName: 'ioredis 5.11', testMatch: ['<rootDir>/test/**/*.spec.ts'] },
    {
      ...project,
      displayName: 'ioredis 5.4',
      testMatch: ['<rootDir>/test/hazards/*.spec.ts'],
      moduleNameMapper: { ...project.moduleNameMapper, '^ioredis$': 'ioredis-5-4' },
    },
  ],
  testTimeout: 30_000,
  // Most tests wait most of their time.
  maxWorkers: 4,
};
