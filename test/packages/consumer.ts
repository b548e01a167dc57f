import 'reflect-metadata';
import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { currentLease, LockBusyError, LockService, RedisLockModule, WithLock } from 'nestjs-redis-lock';

@Injectable()
class Catalog {
  inside = 0;
  most = 0;
  readonly leases: string[] = [];

  @WithLock('catalog:<0>')
  async rebuild(section: string): Promise<string> {
    this.most = Math.max(this.most, ++this.inside);
    this.leases.push(currentLease()?.name ?? 'no lease');
    await sleep(5);
    this.inside--;
    return `${section} rebuilt`;
  }
}

@Module({ imports: [RedisLockModule.forRoot({ memory: true })], providers: [Catalog] })
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
  const catalog = app.get(Catalog);

  const rebuilt = await Promise.all([catalog.rebuild('books'), catalog.rebuild('books'), catalog.rebuild('books')]);
  assert.deepEqual(rebuilt, ['books rebuilt', 'books rebuilt', 'books rebuilt']);
  assert.equal(catalog.most, 1);
  assert.deepEqual(catalog.leases, ['catalog:books', 'catalog:books', 'catalog:books']);

  const locks = app.get(LockService);
  const lease = await locks.acquire('order');
  assert.equal(await locks.tryAcquire('order'), null);
  await assert.rejects(
    locks.withLock('order', () => Promise.resolve('never'), { wait: 0 }),
    LockBusyError,
  );
  await lease.release();

  await app.close();
  console.log('ok');
}

void main();
