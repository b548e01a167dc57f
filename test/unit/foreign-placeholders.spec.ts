import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LockNameError, UseLock, WithLock } from 'nestjs-redis-lock';
import { ARGUMENT_ROOTS, NameTemplate } from '../../lib/naming/name-template.js';

describe('a name template with placeholders of another library', () => {
  it.each([
    'order:{0}',
    'order:{0.id}',
    '{0}',
    'order:${0}',
    'order:${id}',
    'order:#{id}',
    'order:#{order.id}',
    'order:{{id}}',
    'order/:id',
    'order-:id',
    ':id',
    'order::id',
    'order::orderId',
    'order:%s',
    'order:%d:<0>',
    'order:%1$s',
    'order:%(id)s',
    'order:$0',
    'order:$1.id',
    'order:<%= id %>',
    'order:<id>',
    '<0>:{1}',
  ])('is rejected by @WithLock, and the message has the correct spelling: %s', (template) => {
    const decorate = () => WithLock(template);

    expect(decorate).toThrow(LockNameError);
    expect(decorate).toThrow('<0>');
    expect(decorate).toThrow('<0.id>');
  });

  it.each(['cart:{0}', 'cart:{params.id}', 'cart:${params.id}', 'carts/:id', 'cart:{{params.id}}', 'cart:<id>'])(
    'is rejected by @UseLock, and the message has the correct spelling: %s',
    (template) => {
      const decorate = () => UseLock(template);

      expect(decorate).toThrow(LockNameError);
      expect(decorate).toThrow('<params.id>');
    },
  );

  it('may be the result of a function', () => {
    expect(() => WithLock(() => 'order:{0}')).not.toThrow();
  });

  it.each([
    'catalog',
    'catalog:all',
    'catalog::all',
    'App::Jobs::Nightly',
    '{orders}:<0>',
    '{user}',
    'orders:{<0>}',
    '<0>:stock',
    '<0>:id',
    'a/<0>/b',
    'https://example.com/<0>',
    'http://localhost:3000',
    'at%3Astart:<0>',
    'sale:50%',
    'sale:50%off',
    'c#:<0>',
    'price:$:<0>',
    '10:30',
    'a-b_c.d',
    'generate:id',
  ])('is not seen in other text: %s', (template) => {
    expect(() => NameTemplate.parse(template, ARGUMENT_ROOTS)).not.toThrow();
  });

  it('is never found in words, hash tags and placeholders that separators join', () => {
    const word = fc.stringMatching(/^[a-zA-Z0-9_äß]{1,8}$/);
    const placeholder = fc
      .tuple(fc.nat(9), fc.option(fc.stringMatching(/^[a-z]{1,5}$/)))
      .map(([position, path]) => `<${position}${path === null ? '' : `.${path}`}>`);
    const tag = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/).map((name) => `{${name}}`);
    const tagged = placeholder.map((each) => `{${each}}`);
    const part = fc.oneof(word, placeholder, tag, tagged);
    const separator = fc.constantFrom(':', '/', '-', '.', '_', '', ' ', '!', '@', '+', ',');
    const template = fc
      .array(fc.tuple(part, separator), { minLength: 1, maxLength: 6 })
      .map((parts) => parts.flat().slice(0, -1).join(''));

    fc.assert(
      fc.property(template, (source) => {
        NameTemplate.parse(source, ARGUMENT_ROOTS);
      }),
      { numRuns: 2_000 },
    );
  });
});
