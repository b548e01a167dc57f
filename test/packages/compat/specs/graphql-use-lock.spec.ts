import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Scope } from '@nestjs/common';
import { Args, CONTEXT, GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { currentLease, LockService, RedisLockModule, UseLock, WithLock } from 'nestjs-redis-lock';
import request from 'supertest';
import { testRedisUrl, uniqueName } from '../../../support/test-redis.js';
import { waitUntil } from '../../../support/wait-until.js';

/** Ends once all who are expected have come: to it, or to the lock before it. */
class Meeting {
  most = 0;
  done = 0;
  private inside = 0;

  constructor(
    private readonly expected: number,
    private readonly waiting: () => number,
  ) {}

  async attend(): Promise<void> {
    this.most = Math.max(this.most, ++this.inside);
    await waitUntil('all have come', () => this.done + this.inside + this.waiting() >= this.expected);
    await new Promise((resolve) => setTimeout(resolve, 20));
    this.inside--;
    this.done++;
  }
}

let meeting: Meeting;

async function section(name: string): Promise<string> {
  await meeting.attend();
  return `${name} under ${currentLease()?.name ?? 'no lock'}`;
}

@Resolver()
class CatalogResolver {
  @Query(() => String)
  async plain(@Args('name') name: string): Promise<string> {
    return section(name);
  }

  @Query(() => String)
  @WithLock('catalog:<0>')
  async decorated(@Args('name') name: string): Promise<string> {
    return section(name);
  }

  @UseLock('catalog:<args.name>')
  @Query(() => String)
  async intercepted(@Args('name') name: string): Promise<string> {
    return section(name);
  }
}

@UseLock('catalog:<args.name>')
@Resolver()
class LockedResolver {
  constructor(@Inject(LockService) readonly locks: LockService) {}

  @Query(() => String)
  async ofTheClass(@Args('name') name: string): Promise<string> {
    return section(name);
  }
}

/** Every request has an instance of its own. */
@Resolver()
@Injectable({ scope: Scope.REQUEST })
class ScopedResolver {
  readonly tenant: string;

  constructor(@Inject(CONTEXT) context: { readonly req: { readonly headers: Record<string, string> } }) {
    this.tenant = context.req.headers['x-tenant'] ?? '';
  }

  @UseLock(
    function (this: ScopedResolver) {
      return `of:${this.tenant}`;
    },
    { lease: (self) => 1_000 * self.tenant.length },
  )
  @Query(() => String)
  async ofTheTenant(): Promise<string> {
    const lease = currentLease()!;
    return `${lease.name} for ${String(Math.ceil(lease.remaining() / 1_000))} s`;
  }
}

describe('locks of GraphQL resolvers', () => {
  let app: NestFastifyApplication;

  beforeAll(async () => {
    const module = await Test.createTestingModule({
      imports: [
        RedisLockModule.forRoot({ url: testRedisUrl(), keyPrefix: `${uniqueName('graphql')}:` }),
        // Mercurius loads its cache with a dynamic import, which Jest refuses where it runs CommonJS.
        GraphQLModule.forRoot<MercuriusDriverConfig>({ driver: MercuriusDriver, autoSchemaFile: true, cache: false }),
      ],
      providers: [CatalogResolver, LockedResolver, ScopedResolver],
    }).compile();
    app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });

  afterAll(async () => {
    await app.close();
  });

  const ask = async (field: string, name: string) => {
    const query = `{ ${field}(name: "${name}") }`;
    const { body } = await request(app.getHttpServer()).post('/graphql').send({ query });
    return body as { data?: Record<string, string> | null; errors?: { message: string }[] };
  };

  it('are needed: queries run at the same time without one', async () => {
    meeting = new Meeting(2, () => 0);

    await Promise.all([ask('plain', 'books'), ask('plain', 'books')]);

    expect(meeting.most).toBe(2);
  });

  it.each(['decorated', 'intercepted', 'ofTheClass'])(
    'let one query with the same name in at a time: %s',
    async (field) => {
      meeting = new Meeting(3, () => app.get(LockService).stats().waiting);

      const answers = await Promise.all([ask(field, 'books'), ask(field, 'books'), ask(field, 'books')]);

      expect(answers).toEqual(Array(3).fill({ data: { [field]: 'books under catalog:books' } }));
      expect(meeting).toMatchObject({ most: 1, done: 3 });
    },
  );

  it('depend on the instance of their request', async () => {
    const query = '{ ofTheTenant }';
    const tenants = ['one', 'other'];
    const answers = await Promise.all(
      tenants.map((tenant) => request(app.getHttpServer()).post('/graphql').set('X-Tenant', tenant).send({ query })),
    );

    expect(answers.map(({ body }) => body.data)).toEqual([
      { ofTheTenant: 'of:one for 3 s' },
      { ofTheTenant: 'of:other for 5 s' },
    ]);
  });

  it('fail without the value that the name needs', async () => {
    const { errors } = await ask('intercepted', '');

    expect(errors?.[0]?.message).toContain('<args.name>');
  });
});
