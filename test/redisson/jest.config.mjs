// Locks shared with Java. Not part of `npm run test:all`, since it needs a JDK, Maven and, once, Maven Central.
import base from '../jest.config.mjs';

/** @type {import('jest').Config} */
export default {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/redisson/**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  globalSetup: '<rootDir>/test/redisson/global-setup.mjs',
  globalTeardown: undefined,
  testTimeout: 60_000,
};
