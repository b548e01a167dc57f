import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { context, SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { connectLockService, type LockService } from 'nestjs-redis-lock';
import { instrumentLocks, type LockInstrumentationOptions } from 'nestjs-redis-lock/opentelemetry';
import { lockKey } from '../support/lock-keys.js';
import { redisClient, testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

/** In ms since the epoch. */
const time = ([seconds, nanos]: readonly [number, number]): number => seconds * 1_000 + nanos / 1e6;

describe('OpenTelemetry', () => {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracer = tracerProvider.getTracer('test');
  let metricExporter: InMemoryMetricExporter;
  let meterProvider: MeterProvider;
  let locks: LockService;
  let others: LockService;
  let name: string;
  let stop: () => void;

  const start = (options: LockInstrumentationOptions = {}): void => {
    stop();
    stop = instrumentLocks(locks, { tracerProvider, meterProvider, ...options });
  };
  /** Runs `work` as a caller that has a span of its own. */
  const asCaller = <T>(who: string, work: () => Promise<T>): Promise<T> =>
    tracer.startActiveSpan(who, async (span: Span) => {
      try {
        return await work();
      } finally {
        span.end();
      }
    });
  const spans = (title: string): ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.name === title);
  const span = (title: string): ReadableSpan => {
    expect(spans(title)).toHaveLength(1);
    return spans(title)[0]!;
  };
  /** The values of one metric, without those that are 0. */
  const points = async (metric: string): Promise<{ value: unknown; attributes: unknown }[]> => {
    metricExporter.reset();
    await meterProvider.forceFlush();
    const scopes = metricExporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
    const found = scopes.flatMap(({ metrics }) => metrics).find(({ descriptor }) => descriptor.name === metric);
    return (found?.dataPoints ?? [])
      .map(({ value, attributes }) => ({ value: typeof value === 'object' ? value.count : value, attributes }))
      .filter(({ value }) => value !== 0);
  };

  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  });
  afterAll(() => {
    context.disable();
  });
  beforeEach(async () => {
    locks = await connectLockService({ url: testRedisUrl(), logger: false });
    others = await connectLockService({ url: testRedisUrl(), logger: false });
    metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 1e9 });
    meterProvider = new MeterProvider({ readers: [reader] });
    exporter.reset();
    name = uniqueName('otel');
    stop = () => undefined;
    start();
  });
  afterEach(async () => {
    stop();
    await meterProvider.shutdown();
    await locks.close();
    await others.close();
  });

  it("has a span for the wait and one for the hold, both children of the caller's span", async () => {
    await asCaller('caller', () => locks.withLock(name, () => sleep(50), { label: 'catalog:<0>' }));
    const [caller, wait, hold] = [span('caller'), span('wait catalog:<0>'), span('hold catalog:<0>')];
    for (const child of [wait, hold]) {
      expect(child.parentSpanContext?.spanId).toBe(caller.spanContext().spanId);
      expect(child.spanContext().traceId).toBe(caller.spanContext().traceId);
    }
    expect(wait.attributes).toEqual({
      'redis_lock.template': 'catalog:<0>',
      'redis_lock.mode': 'exclusive',
      'redis_lock.outcome': 'acquired',
      'redis_lock.token': expect.any(Number),
      'redis_lock.handed_over': false,
    });
    expect(hold.attributes).toEqual({
      'redis_lock.template': 'catalog:<0>',
      'redis_lock.mode': 'exclusive',
      'redis_lock.outcome': 'released',
      'redis_lock.token': wait.attributes['redis_lock.token'],
    });
    expect(time(hold.duration)).toBeGreaterThan(40);
    expect(time(hold.startTime)).toBeGreaterThanOrEqual(time(wait.startTime));
    expect(JSON.stringify([wait.attributes, hold.attributes])).not.toContain(name);
  });

  it('shows one contended request across two replicas: the wait of one ends with the hold of the other', async () => {
    const request = (who: string, service: LockService) =>
      asCaller(who, () => service.withLock(name, () => sleep(100), { label: who }));
    await Promise.all([request('one', locks), request('two', others)]);
    const [winner, loser] = ['one', 'two'].sort(
      (a, b) => time(span(`wait ${a}`).duration) - time(span(`wait ${b}`).duration),
    ) as [string, string];
    const held = span(`hold ${winner}`);
    const waited = span(`wait ${loser}`);
    expect(waited.parentSpanContext?.spanId).toBe(span(loser).spanContext().spanId);
    expect(held.parentSpanContext?.spanId).toBe(span(winner).spanContext().spanId);
    expect(time(waited.duration)).toBeGreaterThan(80);
    // Times of messages are rounded to whole ms.
    expect(time(waited.endTime)).toBeGreaterThanOrEqual(time(held.endTime) - 2);
    expect(time(span(`hold ${loser}`).startTime)).toBeGreaterThanOrEqual(time(held.endTime) - 2);
  });

  it('keeps the parent of a lease that is released elsewhere', async () => {
    const lease = await asCaller('caller', () => locks.acquire(name, { label: 'orders' }));
    await asCaller('elsewhere', () => lease.release());
    expect(span('hold orders').parentSpanContext?.spanId).toBe(span('caller').spanContext().spanId);
  });

  it('adds an event to the hold of a lost lock', async () => {
    const lease = await locks.acquire(name, { label: 'orders', lease: 300 });
    const admin = redisClient();
    await admin.del(lockKey(name));
    admin.disconnect();
    await waitUntil('it is lost', () => lease.signal.aborted);
    await sleep(50);
    await lease.release();
    const hold = span('hold orders');
    expect(hold.attributes).toMatchObject({ 'redis_lock.outcome': 'lost' });
    expect(hold.status.code).toBe(SpanStatusCode.ERROR);
    expect(hold.events.map(({ name: event, attributes }) => [event, attributes])).toEqual([
      ['lost', { 'redis_lock.reason': 'taken' }],
    ]);
    expect(time(hold.endTime) - time(hold.events[0]!.time)).toBeGreaterThan(40);
  });

  it('has the outcome and the error code of a refused call, which is no failure if the lock is busy', async () => {
    await using _held = await others.acquire(name);
    exporter.reset();
    await expect(locks.acquire(name, { wait: 1_000, mode: 'fair' })).rejects.toThrow();
    const refused = span('wait');
    expect(refused.attributes).toEqual({
      'redis_lock.mode': 'fair',
      'redis_lock.outcome': 'refused',
      'error.type': 'LOCK_BUSY',
    });
    expect(refused.status.code).toBe(SpanStatusCode.UNSET);
    expect(time(refused.duration)).toBeGreaterThan(900);

    const away = await connectLockService({
      url: 'redis://127.0.0.1:1',
      startup: 'background',
      commandTimeout: 50,
      logger: false,
    });
    exporter.reset();
    await expect(away.acquire(name, { wait: 0 })).rejects.toThrow();
    expect(span('wait').attributes).toMatchObject({ 'error.type': 'LOCK_UNAVAILABLE' });
    expect(span('wait').status.code).toBe(SpanStatusCode.ERROR);
    await away.close();
  });

  it('has the names of locks only if they are wanted', async () => {
    start({ names: true });
    await locks.withLock(name, () => undefined);
    expect(span('hold').attributes).toMatchObject({ 'redis_lock.name': name });
    expect(JSON.stringify(await points('redis_lock.hold.duration'))).not.toContain(name);
  });

  it('has the metrics, with the units of the semantic conventions', async () => {
    const lease = await locks.acquire(name, { label: 'orders' });
    await expect(locks.acquire(name, { label: 'orders', wait: 0 })).rejects.toThrow();
    const series = { 'redis_lock.template': 'orders', 'redis_lock.mode': 'exclusive' };
    expect(await points('redis_lock.wait.duration')).toEqual([
      { value: 1, attributes: { ...series, 'redis_lock.outcome': 'acquired' } },
      { value: 1, attributes: { ...series, 'redis_lock.outcome': 'refused' } },
    ]);
    expect(await points('redis_lock.refused')).toEqual([
      { value: 1, attributes: { ...series, 'redis_lock.reason': 'LOCK_BUSY' } },
    ]);
    expect(await points('redis_lock.held')).toEqual([{ value: 1, attributes: {} }]);
    await lease.release();
    expect(await points('redis_lock.held')).toEqual([]);
    expect(await points('redis_lock.hold.duration')).toEqual([
      { value: 1, attributes: { ...series, 'redis_lock.outcome': 'released' } },
    ]);
    await meterProvider.forceFlush();
    const all = metricExporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
    const units = Object.fromEntries(all.map(({ descriptor }) => [descriptor.name, descriptor.unit]));
    expect(units).toEqual({
      'redis_lock.held': '{lease}',
      'redis_lock.hold.duration': 's',
      'redis_lock.lost': '{lock}',
      'redis_lock.nodes': '{node}',
      'redis_lock.notifications.late': '{waiter}',
      'redis_lock.refused': '{call}',
      'redis_lock.renewals.failed': '{renewal}',
      'redis_lock.renewals.failing': '{lock}',
      'redis_lock.renewals.late': '{renewal}',
      'redis_lock.skipped': '{call}',
      'redis_lock.unnotified': '{lock}',
      'redis_lock.unsettled': '{request}',
      'redis_lock.wait.duration': 's',
      'redis_lock.waiting': '{caller}',
    });
  });

  it('reports nothing after its end, and nothing to a process without an SDK', async () => {
    stop();
    await locks.withLock(name, () => undefined);
    expect(exporter.getFinishedSpans()).toEqual([]);
    // The global providers do nothing until an SDK sets others.
    expect(trace.getTracerProvider()).not.toBe(tracerProvider);
    stop = instrumentLocks(locks);
    await locks.withLock(name, () => undefined);
    expect(exporter.getFinishedSpans()).toEqual([]);
  });
});
