import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Args, GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import { currentLease, RedisLockModule, WithLock } from 'nestjs-redis-lock';
import { testRedisUrl, uniqueName } from '../../../support/test-redis.js';

const keyPrefix = `${uniqueName('graphql')}:`;

@Resolver()
class CatalogResolver {
  inside = 0;
  most = 0;

  @Query(() => String)
  @WithLock('catalog:<0>')
  async section(@Args('name') name: string): Promise<string> {
    this.most = Math.max(this.most, ++this.inside);
    await new Promise((resolve) => setTimeout(resolve, 5));
    this.inside--;
    return `${name} under ${currentLease()?.name ?? 'no lock'}`;
  }
}

describe('@WithLock on a GraphQL resolver', () => {
  let app: NestFastifyApplication;

  beforeAll(async () => {
    const module = await Test.createTestingModule({
      imports: [
        RedisLockModule.forRoot({ url: testRedisUrl(), keyPrefix }),
        // Mercurius loads its cache with a dynamic import, which Jest refuses where it runs CommonJS.
        GraphQLModule.forRoot<MercuriusDriverConfig>({ driver: MercuriusDriver, autoSchemaFile: true, cache: false }),
      ],
      providers: [CatalogResolver],
    }).compile();
    app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });

  afterAll(async () => {
    await app?.close();
  });

  it('runs one query with the same name at a time, under its lease', async () => {
    const ask = () => request(app.getHttpServer()).post('/graphql').send({ query: '{ section(name: "books") }' });
    const answers = await Promise.all([ask(), ask(), ask()]);

    for (const answer of answers) {
      expect(answer.body).toEqual({ data: { section: 'books under catalog:books' } });
    }
    expect(app.get(CatalogResolver).most).toBe(1);
  });
});
