import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { draw } from '../contestants/draw.mjs';
import { Findings } from './findings.js';
import { plotsOf } from './plots/index.js';
import { readme } from './readme.js';
import { toJson, type RunRecord } from './run-record.js';

/** Writes a run into `folder`: JSON, pictures and a page with both. Pictures of an earlier run are removed. */
export async function writeResults(record: RunRecord, folder: string): Promise<void> {
  const findings = new Findings(record.contestants, record.results);
  const plots = plotsOf(findings);
  const pictures = await Promise.all(plots.map(async ({ name, spec }) => ({ name, svg: await draw(spec) })));
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) if (file.endsWith('.svg')) rmSync(join(folder, file));
  writeFileSync(join(folder, 'results.json'), toJson(record));
  for (const { name, svg } of pictures) writeFileSync(join(folder, `${name}.svg`), svg);
  writeFileSync(join(folder, 'README.md'), readme(record, findings, plots));
}
