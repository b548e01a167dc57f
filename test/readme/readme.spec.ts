import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { resolveSettings } from '../../lib/options/service-options.js';
import { asModule, readmeSnippets, repository, type Snippet } from './snippets.js';

const snippets = readmeSnippets();
const inLanguage = (language: string): Snippet[] => snippets.filter((snippet) => snippet.language === language);

describe('the README', () => {
  it('has TypeScript that compiles', () => {
    const modules = new Map(
      inLanguage('ts').map((snippet) => [`${repository}test/readme/line-${snippet.line}.ts`, asModule(snippet)]),
    );
    expect(modules.size).toBeGreaterThan(10);
    const { config } = ts.readConfigFile(`${repository}tsconfig.json`, (path) => readFileSync(path, 'utf8'));
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, repository);
    const host = ts.createCompilerHost(options);
    const { getSourceFile, fileExists, readFile } = host;
    host.fileExists = (file) => modules.has(file) || fileExists(file);
    host.readFile = (file) => modules.get(file) ?? readFile(file);
    host.getSourceFile = (file, target, ...rest) => {
      const text = modules.get(file);
      return text === undefined ? getSourceFile(file, target, ...rest) : ts.createSourceFile(file, text, target);
    };
    const program = ts.createProgram([...modules.keys()], { ...options, noEmit: true }, host);
    const problems = [...modules.keys()].flatMap((file) => {
      const source = program.getSourceFile(file);
      return [...program.getSemanticDiagnostics(source), ...program.getSyntacticDiagnostics(source)].map(
        ({ messageText }) => `${file.slice(repository.length)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
      );
    });
    expect(problems).toEqual([]);
  }, 120_000);

  it('names only scripts, files and folders that exist', () => {
    const { scripts } = JSON.parse(readFileSync(`${repository}package.json`, 'utf8')) as { scripts: object };
    const shell = inLanguage('sh')
      .map(({ code }) => code)
      .join('\n');
    const named = [...shell.matchAll(/npm (?:run )?(demo|test|start|[a-z]+:[a-z:]+|lint|depcruise|typecheck|jest)\b/g)];
    expect(named.length).toBeGreaterThan(5);
    expect(named.map(([, script]) => script!).filter((script) => !(script in scripts))).toEqual([]);
    const text = readFileSync(`${repository}README.md`, 'utf8');
    const paths = [...text.matchAll(/`((?:test|lib|sample-app)\/[a-z/.-]*)`/g)].map(([, path]) => path!);
    expect(paths.filter((path) => !existsSync(repository + path))).toEqual([]);
  });

  it('has contents that lead to each guide', () => {
    const text = readFileSync(`${repository}README.md`, 'utf8');
    const anchor = (heading: string): string =>
      `#${heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-')}`;
    const headings = [...text.matchAll(/^##+ (.*)$/gm)].map(([, heading]) => heading!);
    expect(new Set(headings).size).toBe(headings.length);
    const links = [...text.matchAll(/\]\((#[^)]+)\)/g)].map(([, target]) => target!);
    expect(links.filter((target) => !headings.map(anchor).includes(target))).toEqual([]);
    const guides = [
      ...text
        .split('\n## Guides\n')[1]!
        .split('\n## ')[0]!
        .matchAll(/^### (.*)$/gm),
    ];
    const [, contents] = text.split(/\n## (?:Contents|Guides)\n/);
    expect([...contents!.matchAll(/^ {2}- \[(.*)\]/gm)].map(([, name]) => name)).toEqual(
      guides.map(([, name]) => name),
    );
  });

  it('lists every module option with its default', () => {
    const text = readFileSync(`${repository}README.md`, 'utf8');
    const [table] = /^\| module option[^]*?\n\n/m.exec(text)!;
    const rows = new Map(
      [...table.matchAll(/^\| `(\w+)` +\|.*\| +(.*?) +\|$/gm)].map(([, option, value]) => [option!, value!]),
    );
    const { logger: _, ...settings } = resolveSettings({ memory: true });
    expect(rows.get('logger')).toBe("Nest's `Logger`");
    for (const [option, value] of Object.entries(settings)) {
      expect([option, rows.has(option)]).toEqual([option, true]);
      if (['tokenTtl', 'restartGuard'].includes(option)) continue;
      expect([option, rows.get(option)!.replace(/[`' ]/g, '')]).toEqual([option, String(value)]);
    }
  });
});
