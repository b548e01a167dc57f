// Prints what the package's types show to users, without comments, and compares it with public-api.txt, which is reviewed
// with each change: node test/packages/public-api.mjs [--write]. It looks at the build.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const here = dirname(fileURLToPath(import.meta.url));
const types = join(here, '..', '..', 'dist', 'esm');
const reviewed = join(here, 'public-api.txt');

/** The declarations of all files, one after another. */
function publicApi() {
  const printer = ts.createPrinter({ removeComments: true });
  const files = readdirSync(types, { recursive: true }).filter((name) => name.endsWith('.d.ts'));
  const parts = files.sort().map((name) => {
    const source = ts.createSourceFile(name, readFileSync(join(types, name), 'utf8'), ts.ScriptTarget.Latest);
    return `// ${name.replaceAll('\\', '/')}\n${printer.printFile(source)}`;
  });
  return parts.join('\n');
}

const now = publicApi();
if (process.argv.includes('--write')) writeFileSync(reviewed, now);
else if (readFileSync(reviewed, 'utf8') !== now) {
  const known = new Set(readFileSync(reviewed, 'utf8').split('\n'));
  const added = now.split('\n').filter((line) => !known.has(line));
  const removed = [...known].filter((line) => !now.split('\n').includes(line));
  for (const line of removed) console.error(`- ${line}`);
  for (const line of added) console.error(`+ ${line}`);
  console.error(
    'The public types differ from test/packages/public-api.txt. If that is meant: npm run public-api -- --write',
  );
  process.exitCode = 1;
}
