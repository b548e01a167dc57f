import { describe, expect, it } from '@jest/globals';
import { isDatabaseAway } from '../../sample-app/shop/errors/database-away.js';

describe('an error of the database', () => {
  const coded = (code: string) => Object.assign(new Error('of the driver'), { code });

  it.each([
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    '08006',
    '53300',
    '57P01',
    '57014',
    '57P03',
    '08001',
    '25006',
  ])('with %s means that it is unavailable', (code) => {
    expect(isDatabaseAway(coded(code))).toBe(true);
  });

  it.each([
    'timeout exceeded when trying to connect',
    'Query read timeout',
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'Client has encountered a connection error and is not queryable',
  ])('with "%s" means that it is unavailable', (message) => {
    expect(isDatabaseAway(new Error(message))).toBe(true);
  });

  it.each(['23505', '42601', '42P01', 'EINVAL'])('with %s means an error of the shop', (code) => {
    expect(isDatabaseAway(coded(code))).toBe(false);
  });
});
