import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  // The packages below test/packages have their own dependencies and are type-checked against those.
  globalIgnores(['dist/', 'coverage/', 'test/packages/compat/*/', 'test/packages/testing/*/', 'test/packages/nest-*/']),
  {
    files: ['**/*.{ts,mjs}'],
    extends: [js.configs.recommended],
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // Nest modules are classes that hold nothing but their decorator.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // Its advice is what no-non-null-assertion forbids.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // Nest types its options as classes and is handed object literals.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // Overloads tell the reader which arguments belong together.
      '@typescript-eslint/unified-signatures': 'off',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // supertest and the mocks of Jest are typed with `any`.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Handlers under test are async by contract and often have nothing to await.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      // The mutations of the simulation replace and use private members, whose names tsc checks in brackets.
      '@typescript-eslint/dot-notation': ['error', { allowPrivateClassPropertyAccess: true }],
    },
  },
  {
    files: ['lib/**/*.ts'],
    ignores: ['lib/time/**'],
    rules: {
      // Timers, ticks and clocks of lib/time run in the context of the service, and survive fake timers.
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'].map((name) => ({
          name,
          message: 'Use Timer or sleep of lib/time/timer.ts.',
        })),
        ...['setImmediate', 'clearImmediate', 'queueMicrotask'].map((name) => ({
          name,
          message: 'Use onNextTurn or onMicrotask of lib/time/ticks.ts.',
        })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'performance', property: 'now', message: 'Use monotonic of lib/time/clock.ts.' },
        { object: 'Date', property: 'now', message: 'Use wall of lib/time/clock.ts.' },
        { object: 'process', property: 'nextTick', message: 'Use onNextTick of lib/time/ticks.ts.' },
        { object: 'AbortSignal', property: 'any', message: 'It stays registered with signals that live for long.' },
        { object: 'AbortSignal', property: 'timeout', message: 'Use Timer of lib/time/timer.ts.' },
      ],
      'no-restricted-imports': ['error', 'node:timers', 'node:timers/promises'],
    },
  },
  {
    files: ['sample-app/**/*.ts'],
    rules: { '@typescript-eslint/require-await': 'off' },
  },
  {
    // The command line is a program of its own: nobody installs fake timers in it.
    files: ['lib/cli/*.ts'],
    rules: { 'no-restricted-globals': 'off', 'no-restricted-imports': 'off' },
  },
  {
    files: ['**/*.mjs', 'lib/cli/*.ts', 'sample-app/**/*.ts', 'test/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.mjs'],
    // Whatever node has, as it runs this file.
    languageOptions: {
      globals: Object.fromEntries(Object.getOwnPropertyNames(globalThis).map((name) => [name, 'readonly'])),
    },
  },
  prettier,
);
