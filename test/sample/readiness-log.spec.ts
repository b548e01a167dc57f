import { expect, it, jest } from '@jest/globals';
import { Logger, ServiceUnavailableException } from '@nestjs/common';
import type { HealthCheckResult } from '@nestjs/terminus';
import { ReadinessLog } from '../../sample-app/shop/health/readiness-log.js';

it('does not log a process as ready after a check that began before its shutdown', async () => {
  const lines: string[] = [];
  const keep = (line: string): void => void lines.push(line);
  jest.spyOn(Logger.prototype, 'log').mockImplementation(keep);
  jest.spyOn(Logger.prototype, 'warn').mockImplementation(keep);
  const log = new ReadinessLog();
  const down = (): Promise<HealthCheckResult> =>
    Promise.reject(new ServiceUnavailableException({ error: { process: { status: 'down', message: 'stops' } } }));

  let finish: (result: HealthCheckResult) => void = () => undefined;
  const early = log.watch(new Promise((resolve) => (finish = resolve)));
  await expect(log.watch(down())).rejects.toThrow();
  finish({ status: 'ok', details: {} });
  await early;
  await expect(log.watch(down())).rejects.toThrow();
  expect(lines).toEqual(['not ready: process stops']);
});
