// What `npm test` leaves out: the two together are `npm run test:all`.
import all from './jest.config.mjs';
import { quickFiles, quickFolders } from './quick.mjs';

/** @type {import('jest').Config} */
export default {
  ...all,
  testPathIgnorePatterns: [
    ...all.testPathIgnorePatterns,
    ...quickFolders.map((folder) => `<rootDir>/test/${folder}/`),
    ...quickFiles.map((file) => `<rootDir>/test/${file}\\.spec\\.ts$`),
  ],
};
