import { peersAhead } from './ahead.js';
import { aimRows, type AimRow } from './aims.js';
import { caseTables } from './case-tables.js';
import { figure, variantText, words } from './figures.js';
import { label, type Findings } from './findings.js';
import { markdownTable } from './markdown.js';
import type { CaseResult } from './measurement.js';
import type { RunRecord } from './run-record.js';

/** The results of a run as a page: aims, and a table for each case. */
export function readme(record: RunRecord, findings: Findings): string {
  return [
    '# Results of the bench',
    'Written by `npm run bench`: do not edit. [The bench](../README.md) says how each case is measured. Values are medians ' +
      'of the rounds, with the smallest and the largest behind them.',
    run(record),
    '## Aims',
    aimTable(aimRows(findings)),
    ahead(findings),
    disqualified(findings),
    '## Cases',
    ...record.results.flatMap((result) => [
      `### ${result.title}`,
      record.cases.find(({ id }) => id === result.id)?.measures ?? '',
      caseText(result, findings),
    ]),
    '## Contestants',
    contestants(record),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

/** What a case found: a table for each variant, and who could not be measured. */
export function caseText(result: CaseResult, findings: Findings): string {
  return [caseTables(result, findings), ...failures(result.failures, findings)]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** The aims as a table of Markdown. */
export function aimTable(rows: readonly AimRow[]): string {
  return markdownTable(
    ['work', 'aim', 'measured', '', 'best peer'],
    rows.map(({ work, aim, measured, met, peer }) => [work, aim, measured, verdict(met), peer]),
  );
}

/** The aims for a terminal: a few lines each, since a table would be too wide. Only those of which something was measured. */
export function aimText(rows: readonly AimRow[]): string {
  return rows
    .filter(({ touched }) => touched)
    .map(({ work, aim, measured, met, peer }) =>
      [
        `  ${verdict(met).padEnd(12)} ${work}`,
        `      aim        ${aim}`,
        `      measured   ${measured}`,
        `      best peer  ${peer}`,
      ].join('\n'),
    )
    .join('\n');
}

function verdict(met: boolean | undefined): string {
  if (met === undefined) return 'not measured';
  return met ? 'met' : 'MISSED';
}

function run({ machine, commit, startedAt, tookMs, rounds, quick, cases }: RunRecord): string {
  const lines = [
    `${machine}.`,
    `${startedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC, ${Math.round(tookMs / 60_000)} min, ${rounds} rounds` +
      `${quick ? ', the quick run' : ''}${commit === '' ? '' : `, commit ${commit}`}.`,
    `Seconds by case: ${cases.map(({ id, tookMs: ms }) => `${id} ${Math.round(ms / 1_000)}`).join(', ')}.`,
  ];
  return lines.map((line) => `- ${line}`).join('\n');
}

function ahead(findings: Findings): string {
  const found = peersAhead(findings);
  if (found.length === 0) return 'No peer without overlaps was ahead in any case.';
  const rows = found.map(({ case: id, at, metric, peer, times, meets, unserved }) => [
    `${id}${variantText(at) === '' ? '' : `: ${variantText(at)}`}`,
    words(metric),
    label(peer),
    `${figure(times)} ×`,
    [meets ? 'the ranges of the rounds meet' : '', unserved > 0 ? `${figure(unserved)} callers not served` : '']
      .filter((text) => text !== '')
      .join('; '),
  ]);
  const table = markdownTable(['case', 'in', 'peer', 'as good as ours', ''], rows);
  return `Peers without overlaps that were ahead of us:\n\n${table}`;
}

function disqualified(findings: Findings): string {
  const found = findings.results.flatMap(({ id, measurements }) =>
    findings.contestants
      .filter((contestant) => findings.disqualified(contestant.id, id))
      .map((contestant) => {
        const overlaps = measurements.filter((each) => each.contestant === contestant.id).map((each) => each.overlaps);
        return [id, label(contestant), figure(Math.max(...overlaps))];
      }),
  );
  if (found.length === 0) return 'No two sections of one name were inside at once in any round of any contestant.';
  return `Disqualified, since two sections of one name were inside at once:\n\n${markdownTable(['case', 'who', 'overlaps'], found)}`;
}

function failures(failed: CaseResult['failures'], findings: Findings): string[] {
  if (failed.length === 0) return [];
  const lines = failed.map(({ contestant: id, reason }) => {
    const contestant = findings.contestants.find((each) => each.id === id);
    return `- ${contestant === undefined ? id : label(contestant)}: ${reason}`;
  });
  return [`Not measured:\n\n${lines.join('\n')}`];
}

function contestants({ contestants: all, absent }: RunRecord): string {
  const rows = all.map((each) => [label(each), each.package, each.client, each.note ?? '']);
  const table = markdownTable(['', 'package', 'client', ''], rows);
  if (absent.length === 0) return table;
  return `${table}\n\nDid not take part:\n\n${absent.map(({ file, reason }) => `- ${file}: ${reason}`).join('\n')}`;
}
