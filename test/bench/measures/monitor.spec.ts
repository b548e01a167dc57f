import { describe, expect, it } from '@jest/globals';
import { countRequests, linesOf, parseMonitorLine } from './monitor.js';

const LINES = [
  '+OK',
  '+1700000000.125000 [0 127.0.0.1:50001] "SET" "bench:a" "t" "PX" "30000" "NX"',
  '+1700000000.250000 [0 127.0.0.1:50001] "evalsha" "abc" "1" "bench:a" "t"',
  '+1700000000.250000 [0 lua] "get" "bench:a"',
  '+1700000000.250000 [0 lua] "del" "bench:a"',
  '+1700000000.900000 [0 127.0.0.1:50002] "evalsha" "abc" "1" "bench:b" "t"',
  '',
];
const parsed = LINES.flatMap((line) => parseMonitorLine(line) ?? []);

describe('parseMonitorLine', () => {
  it('returns the client, the command and the time', () => {
    expect(parseMonitorLine(LINES[1]!)).toEqual({ at: 1_700_000_000_125, from: '127.0.0.1:50001', command: 'set' });
  });

  it('recognizes a command of a script', () => {
    expect(parseMonitorLine(LINES[3]!)).toMatchObject({ from: null, command: 'get' });
  });

  it('recognizes clients with every kind of address', () => {
    expect(parseMonitorLine('1.5 [3 [::1]:6379] "get" "a"')).toMatchObject({ from: '[::1]:6379', command: 'get' });
    expect(parseMonitorLine('1.5 [3 unix:/run/redis.sock] "get" "a"')).toMatchObject({ from: 'unix:/run/redis.sock' });
  });

  it('is not misled by the arguments', () => {
    const line = '+1.5 [0 127.0.0.1:1] "set" "[0 lua] \\"get\\"" "v"';
    expect(parseMonitorLine(line)).toMatchObject({ from: '127.0.0.1:1', command: 'set' });
  });

  it('ignores lines that are not commands', () => {
    expect(['+OK', '', '-ERR no', '+17000'].map(parseMonitorLine)).toEqual([null, null, null, null]);
  });
});

describe('linesOf', () => {
  it('has the requests from some ports, and the commands of their scripts', () => {
    expect(countRequests(linesOf(parsed, [50_001]))).toEqual({ requests: 2, inScripts: 2 });
    expect(countRequests(linesOf(parsed, [50_002, 50_003]))).toEqual({ requests: 1, inScripts: 0 });
  });

  it('recognizes the port of every kind of address', () => {
    const line = parseMonitorLine('1.5 [3 [::1]:6379] "get" "a"');
    expect(linesOf([line!], [6_379])).toHaveLength(1);
  });
});

describe('countRequests', () => {
  it('counts requests and commands of scripts separately', () => {
    expect(countRequests(parsed)).toEqual({ requests: 3, inScripts: 2 });
  });

  it('counts only between two moments', () => {
    expect(countRequests(parsed, 1_700_000_000_200, 1_700_000_000_500)).toEqual({ requests: 1, inScripts: 2 });
  });

  it('returns 0 for no lines', () => {
    expect(countRequests([])).toEqual({ requests: 0, inScripts: 0 });
  });
});
