import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { resolveSettings } from '../../lib/options/service-options.js';
import { asModule, guides, readmeSnippets, repository, snippetsOf, type Snippet } from './snippets.js';

const snippets = readmeSnippets();
const inLanguage = (language: string): Snippet[] => snippets.filter((snippet) => snippet.language === language);

/** The anchors of the headings, as GitHub makes them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(
    ([, heading]) =>
      `#${heading!
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-')}`,
  );
}

describe('the README', () => {
  it('has TypeScript that compiles', () => {
    const modules = new Map(
      inLanguage('ts').map((snippet) => [
        `${repository}test/readme/${snippet.file.replaceAll(/[/.]/g, '-')}-line-${snippet.line}.ts`,
        asModule(snippet),
      ]),
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
    const shell = [...snippetsOf('README.md'), ...snippetsOf('.github/CONTRIBUTING.md')]
      .filter(({ language }) => language === 'sh')
      .map(({ code }) => code)
      .join('\n');
    const named = [...shell.matchAll(/npm (?:run )?(demo|test|start|[a-z]+:[a-z:]+|lint|depcruise|typecheck|jest)\b/g)];
    expect(named.length).toBeGreaterThan(5);
    expect(named.map(([, script]) => script!).filter((script) => !(script in scripts))).toEqual([]);
    const text = ['.github/CONTRIBUTING.md', ...guides]
      .map((file) => readFileSync(repository + file, 'utf8'))
      .join('\n');
    const paths = [...text.matchAll(/`((?:test|lib|sample-app)\/[a-z/.-]*)`/g)].map(([, path]) => path!);
    expect(paths.filter((path) => !existsSync(repository + path))).toEqual([]);
  });

  it('has contents that lead to each guide', () => {
    const text = readFileSync(`${repository}README.md`, 'utf8');
    const anchors = anchorsOf(text);
    expect(new Set(anchors).size).toBe(anchors.length);
    const links = [...text.matchAll(/\]\((#[^)]+)\)/g)].map(([, target]) => target!);
    expect(links.filter((target) => !anchors.includes(target))).toEqual([]);
    const sections = [
      ...text
        .split('\n## Guides\n')[1]!
        .split('\n## ')[0]!
        .matchAll(/^### (.*)$/gm),
    ];
    const [, contents] = text.split(/\n## (?:Contents|Guides)\n/);
    const parts = ['What is promised', 'What it costs', 'The demo', 'Contribute'];
    expect([...contents!.matchAll(/\[([^\]]*)\]/g)].map(([, name]) => name)).toEqual([
      ...sections.map(([, name]) => name),
      ...parts,
    ]);
  });

  it('links to each guide, and all links between the guides lead to a file and a heading', () => {
    const linked = new Set<string>();
    for (const file of ['.github/CONTRIBUTING.md', ...guides]) {
      const text = readFileSync(repository + file, 'utf8');
      for (const [, path, heading] of text.matchAll(/\]\((?!https?:)([^)#]+)(?:#([\w-]+))?\)/g)) {
        const target = join(dirname(file), path!);
        if (file === 'README.md') linked.add(target);
        expect([file, path, existsSync(repository + target)]).toEqual([file, path, true]);
        if (heading !== undefined)
          expect(anchorsOf(readFileSync(repository + target, 'utf8'))).toContain(`#${heading}`);
      }
    }
    expect(guides.filter((guide) => guide !== 'README.md' && !linked.has(guide))).toEqual([]);
  });

  it('lists every module option with its default', () => {
    const text = readFileSync(`${repository}README.md`, 'utf8');
    const [table] = /^\| module option[^]*?\n\n/m.exec(text)!;
    const rows = new Map(
      [...table.matchAll(/^\| `(\w+)` +\|.*\| +(.*?) +\|$/gm)].map(([, option, value]) => [option!, value!]),
    );
    const { logger: _, service: _service, warnAfter, ...settings } = resolveSettings({ memory: true });
    expect(rows.get('logger')).toBe("Nest's `Logger`");
    expect(rows.get('service')).toBe("npm's");
    expect([rows.get('warnAfter'), warnAfter]).toEqual(['never', { held: Infinity, waited: Infinity }]);
    for (const [option, value] of Object.entries(settings)) {
      expect([option, rows.has(option)]).toEqual([option, true]);
      if (['tokenTtl', 'restartGuard'].includes(option)) continue;
      expect([option, rows.get(option)!.replace(/[`' ]/g, '')]).toEqual([option, String(value)]);
    }
  });
});
