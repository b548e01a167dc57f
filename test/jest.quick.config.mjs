// `npm test`: the selection of quick.mjs.
import all from './jest.config.mjs';
import { quickFiles, quickFolders } from './quick.mjs';

/** @type {import('jest').Config} */
export default {
  ...all,
  testMatch: [
    ...quickFolders.map((folder) => `<rootDir>/test/${folder}/**/*.spec.ts`),
    ...quickFiles.map((file) => `<rootDir>/test/${file}.spec.ts`),
  ],
  reporters: [...all.reporters, '<rootDir>/test/support/quick-reporter.mjs'],
};
