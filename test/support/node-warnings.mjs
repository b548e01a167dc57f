// Preloaded into every Jest process. Node's warnings (too many listeners, a timer out of range, …) point at faults that no
// assertion looks for, and a test cannot see them: Jest gives it a copy of `process`. They are collected here, and the global
// teardown fails the run on them.
import { appendFileSync } from 'node:fs';

const HARMLESS = new Set(['ExperimentalWarning', 'DeprecationWarning']);

process.on('warning', ({ name, message, stack }) => {
  const file = process.env.NODE_WARNINGS_FILE;
  if (file !== undefined && !HARMLESS.has(name)) appendFileSync(file, `${stack ?? `${name}: ${message}`}\n`);
});
