import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectLockService } from 'nestjs-redis-lock';
import { collectLockMetrics } from 'nestjs-redis-lock/prometheus';
import { Registry, type MetricObjectWithValues, type MetricValue } from 'prom-client';
import { repository } from '../readme/snippets.js';
import { describeUnless } from '../support/describe-unless.js';
import { testRedisUrl, uniqueName } from '../support/test-redis.js';

const rulesFile = `${repository}lib/docs/prometheus-rules.yml`;
const rules = readFileSync(rulesFile, 'utf8');
const dashboard = readFileSync(`${repository}lib/docs/grafana-dashboard.json`, 'utf8');
const { panels, templating } = JSON.parse(dashboard) as {
  panels: { title: string; targets: { expr: string }[] }[];
  templating: { list: { query: string }[] };
};
/** What Prometheus evaluates. Comments and texts of alerts are left out. */
const expressions = [
  ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ...templating.list.map(({ query }) => query),
  ...[...rules.matchAll(/expr: (?:>-\n((?: {10}.*\n)+)|(.*)\n)/g)].map(([, folded, line]) => folded ?? line!),
];
const promtool = spawnSync('promtool', ['--version']).error === undefined;

describe('the dashboard and the alert rules', () => {
  const register = new Registry();
  let metrics: MetricObjectWithValues<MetricValue<string>>[];
  let scrape: string;

  beforeAll(async () => {
    // Two replicas under load.
    const url = testRedisUrl();
    await using one = await connectLockService({ url, logger: false });
    await using other = await connectLockService({ url, logger: false });
    const stop = collectLockMetrics([one, other], { register });
    const name = uniqueName('load');
    const calls = [one, other].flatMap((locks) =>
      Array.from({ length: 20 }, (_, at) =>
        locks.withLock(`${name}:${String(at % 3)}`, () => undefined, {
          label: 'load:<0>',
          wait: at % 5 === 0 ? 0 : 10_000,
        }),
      ),
    );
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(20);
    metrics = await register.getMetricsAsJSON();
    scrape = await register.metrics();
    stop();
  });

  it('name only metrics that a service under load has, and use each of them', () => {
    const used = new Set(expressions.flatMap((expr) => expr.match(/redis_lock_\w+/g) ?? []));
    expect(expressions.length).toBeGreaterThan(20);
    const base = (name: string): string => name.replace(/_(bucket|sum|count)$/, '');
    for (const name of used) expect([name, new RegExp(`^${name}[{ ]`, 'm').test(scrape)]).toEqual([name, true]);
    const named = [...used].map(base);
    expect(metrics.map(({ name }) => name).filter((name) => !named.includes(name))).toEqual([]);
  });

  it('select and group by labels, and label values, that the metrics have', () => {
    const labels = new Map<string, Set<string>>();
    for (const { name, values } of metrics) {
      for (const value of values) {
        for (const [label, text] of Object.entries(value.labels)) {
          const key = `${name} ${label}`;
          labels.set(key, (labels.get(key) ?? new Set()).add(String(text)));
        }
      }
    }
    let selectors = 0;
    for (const expr of expressions) {
      for (const [, name, list] of expr.matchAll(/(redis_lock_\w+?)(?:_bucket|_sum|_count)?\{([^}]*)\}/g)) {
        for (const [, label, operator, value] of list!.matchAll(/(\w+)(=~|!=|=)"([^"]*)"/g)) {
          selectors += 1;
          expect([expr, labels.has(`${name!} ${label!}`)]).toEqual([expr, true]);
          if (operator !== '=~') expect([...labels.get(`${name!} ${label!}`)!]).toContain(value);
        }
      }
      const [, grouped = ''] = /\bby \(([^)]*)\)/.exec(expr) ?? [];
      const metric = /redis_lock_\w+?(?=(_bucket|_sum|_count)?\b)/.exec(expr)?.[0];
      for (const label of grouped.split(/,\s*/).filter((each) => each !== '')) {
        if (['job', 'instance', 'le'].includes(label)) continue;
        expect([expr, labels.has(`${metric!} ${label}`)]).toEqual([expr, true]);
      }
    }
    expect(selectors).toBeGreaterThan(10);
  });

  describeUnless(promtool ? undefined : 'there is no promtool (Debian: prometheus)', 'by promtool', () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'rules-'));
    });
    afterAll(() => {
      rmSync(folder, { recursive: true });
    });
    const run = (args: string[], input = ''): string => execFileSync('promtool', args, { encoding: 'utf8', input });

    it('the metrics have good names and texts', () => {
      expect(run(['check', 'metrics'], scrape)).toBe('');
    });

    it('each rule is valid, and fires when it should', () => {
      expect(run(['check', 'rules', rulesFile])).toContain(`${String(rules.match(/- alert:/g)!.length)} rules found`);
      const tests = join(folder, 'rules-test.yml');
      const text = readFileSync(new URL('rules-test.yml', import.meta.url), 'utf8');
      writeFileSync(tests, text.replace('RULES', rulesFile));
      expect(run(['test', 'rules', tests])).toContain('SUCCESS');
      for (const [, alert] of rules.matchAll(/- alert: (\w+)/g)) expect(text).toContain(alert);
    });
  });
});
