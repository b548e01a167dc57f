import swc from 'unplugin-swc';
import { defineConfig } from 'vitest/config';

// As Nest's documentation sets it up: esbuild emits no metadata of decorators.
export default defineConfig({
  plugins: [swc.vite({ module: { type: 'es6' } })],
  test: { include: ['src/*.spec.ts'] },
});
