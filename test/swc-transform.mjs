/**
 * How Jest turns TypeScript into JavaScript: decorators and their metadata as tsc emits them, class names kept (Nest
 * reports them), `await using` compiled away for Node 20.
 */
export const swcTransform = [
  '@swc/jest',
  {
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
      keepClassNames: true,
    },
    module: { type: 'es6' },
    sourceMaps: 'inline',
    swcrc: false,
  },
];
