import type { Options } from '@swc/core';

/** Jest's transformer and the options it hands to swc. */
export const swcTransform: [transformer: '@swc/jest', options: Options];
