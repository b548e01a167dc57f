import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { repository, snippetsOf } from './snippets.js';

it('has the guide to tests made of the files in test/testing/guide, which run', () => {
  const folder = `${repository}test/testing/guide`;
  const files = readdirSync(folder).map((file) => readFileSync(`${folder}/${file}`, 'utf8'));
  const snippets = snippetsOf('lib/docs/testing.md').map(({ code }) => code);
  expect(files.length).toBeGreaterThan(3);
  expect(snippets.sort()).toEqual(files.sort());
});
