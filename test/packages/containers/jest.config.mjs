// Redis in Docker, started by testcontainers. Not part of `npm run test:all`, since it needs a Docker daemon.
import base from '../../jest.config.mjs';

/** @type {import('jest').Config} */
export default {
  ...base,
  rootDir: '../../..',
  testMatch: ['<rootDir>/test/packages/containers/**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  globalSetup: undefined,
  globalTeardown: undefined,
  testTimeout: 120_000,
};
