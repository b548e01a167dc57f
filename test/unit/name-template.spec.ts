import { describe, expect, it } from '@jest/globals';
import { LockNameError } from 'nestjs-redis-lock';
import { ARGUMENT_ROOTS, NameTemplate } from '../../lib/naming/name-template.js';

const render = (template: string, ...args: unknown[]): string =>
  NameTemplate.parse(template, ARGUMENT_ROOTS).render((root) => args[Number(root)]);

describe('a name template', () => {
  it.each([
    ['catalog', [], 'catalog'],
    ['catalog:<0>', ['books'], 'catalog:books'],
    ['<0>', ['x'], 'x'],
    ['<1>:<0>', ['a', 'b'], 'b:a'],
    ['<0><1>', ['a', 'b'], 'ab'],
    ['<0>:<0>', ['a'], 'a:a'],
    ['order:<0.id>', [{ id: 7 }], 'order:7'],
    ['order:<0.customer.address.city>', [{ customer: { address: { city: 'Ulm' } } }], 'order:Ulm'],
    ['item:<0.items.1.id>', [{ items: [{ id: 1 }, { id: 2 }] }], 'item:2'],
    ['len:<0.length>', ['abc'], 'len:3'],
    ['<0.größe>', [{ größe: 5 }], '5'],
    ['<0.a-b>', [{ 'a-b': 'c' }], 'c'],
    ['n:<0>', [0], 'n:0'],
    ['n:<0>', [-1.5], 'n:-1.5'],
    ['n:<0>', [12345678901234567890n], 'n:12345678901234567890'],
    ['n:<0>', [false], 'n:false'],
    ['a << b', [], 'a < b'],
    ['<<0>', [], '<0>'],
    ['<<<0>', ['x'], '<x'],
    ['a > b', [], 'a > b'],
    ['k:<10>', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 'ten'], 'k:ten'],
  ])('%j with %j gives %j', (template, args, name) => {
    expect(render(template, ...args)).toBe(name);
  });

  it.each([
    ['%', '%25'],
    [':', '%3A'],
    ['{', '%7B'],
    ['}', '%7D'],
    ['<', '%3C'],
    ['>', '%3E'],
    [' ', '%20'],
    ['\n', '%0A'],
    ['\u0000', '%00'],
    ['\u007f', '%7F'],
    ['\u0085', '%C2%85'],
    ['\u00a0', '%C2%A0'],
    ['\u2028', '%E2%80%A8'],
    ['é€😀', 'é€😀'],
    ['a/b?c=d&e,f;g\'h"i', 'a/b?c=d&e,f;g\'h"i'],
  ])('writes the value %j as %j', (value, written) => {
    expect(render('<0>', value)).toBe(written);
  });

  it('never gives one name for two sets of values', () => {
    const values = ['a', 'b', ':', '%', '%3A', 'a:b', 'b:c', ':c', 'a:', '<', '>', '<1>', '{', ' ', '%25', '1'];
    const names = new Set<string>();
    for (const one of values) for (const two of values) names.add(render('x:<0>:<1>', one, two));
    expect(names.size).toBe(values.length ** 2);
    expect(render('<0>:<1>', 'a:b', 'c')).not.toBe(render('<0>:<1>', 'a', 'b:c'));
  });

  it('does not read placeholders in values', () => {
    expect(render('<0>', '<1>', 'other')).toBe('%3C1%3E');
  });

  it.each([
    ['', [''], 'an empty string'],
    ['', [undefined], 'undefined'],
    ['', [], 'undefined'],
    ['', [null], 'null'],
    ['', [Number.NaN], 'NaN'],
    ['', [Infinity], 'Infinity'],
    ['', [{}], 'an object'],
    ['', [[]], 'an array'],
    ['', [['a']], 'an array'],
    ['', [new Date(0)], 'an object'],
    ['', [Symbol('s')], 'a symbol'],
    ['', [() => 1], 'a function'],
    ['.id', [{}], 'undefined'],
    ['.id', [undefined], 'undefined'],
    ['.a.b', [{ a: null }], 'undefined'],
    ['.toString', [{}], 'a function'],
  ])('rejects at <0%s> the values %p', (path, args, got) => {
    const call = (): string => render(`x:<0${path}>`, ...args);
    expect(call).toThrow(LockNameError);
    expect(call).toThrow(`for <0${path}>, but got ${got}`);
  });

  it.each([
    ['', 'must not be empty'],
    ['<0', 'has no ">"'],
    ['a <', 'has no ">"'],
    ['<>', 'is not a path'],
    ['<0.>', 'is not a path'],
    ['<.id>', 'is not a path'],
    ['<0..id>', 'is not a path'],
    ['<0 .id>', 'is not a path'],
    ['<0[1]>', 'is not a path'],
    ['<id>', 'must begin with the position of an argument'],
    ['<-1>', 'must begin with'],
    ['<1e3>', 'must begin with'],
    ['<1000>', 'must begin with'],
    ['a\ud800', 'lone surrogate'],
  ])('cannot be %j', (template, why) => {
    const parse = (): NameTemplate => NameTemplate.parse(template, ARGUMENT_ROOTS);
    expect(parse).toThrow(LockNameError);
    expect(parse).toThrow(why);
  });

  it.each([undefined, null, 7, {}])('cannot be %p', (template) => {
    expect(() => NameTemplate.parse(template, ARGUMENT_ROOTS)).toThrow('must be a string');
  });
});
