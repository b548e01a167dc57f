import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Param,
  Scope,
  type DynamicModule,
  type ExecutionContext,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { REQUEST, RouterModule } from '@nestjs/core';
import { ClientProxyFactory, CONTEXT, MessagePattern, Payload, Transport } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { currentLease, LockConfigError, LockExceptionFilter, LockService, UseLock } from 'nestjs-redis-lock';
import type { AddressInfo, Server } from 'node:net';
import { firstValueFrom } from 'rxjs';
import request from 'supertest';
import { lockModule } from './helpers/lock-module.js';

@Injectable()
class Settings {
  tenant = 'main';
  wait: number | undefined = 0;
}

const param = (context: ExecutionContext): string =>
  context.switchToHttp().getRequest<{ params: { id: string } }>().params.id;

@UseLock(
  function (this: CartController, context) {
    return `${this.settings.tenant}:${param(context)}`;
  },
  { wait: (self) => self.settings.wait as number },
)
@Controller('carts')
class CartController {
  constructor(@Inject(Settings) readonly settings: Settings) {}

  @Get('class/:id')
  async ofTheClass(@Param('id') _id: string): Promise<string> {
    return currentLease()!.name;
  }

  @UseLock('handler:<params.id>', { lease: (self: CartController) => 1_000 * self.settings.tenant.length })
  @Get('handler/:id')
  async ofTheHandler(@Param('id') id: string): Promise<number> {
    return currentLease(`handler:${id}`)!.remaining();
  }
}

/** Every request has an instance of its own. */
@Controller({ path: 'scoped', scope: Scope.REQUEST })
class ScopedController {
  constructor(@Inject(REQUEST) readonly request: { readonly headers: Record<string, string> }) {}

  @UseLock(
    function (this: ScopedController, context) {
      return `${String(this.request.headers['x-tenant'])}:${param(context)}`;
    },
    { lease: (self) => Number(self.request.headers['x-lease']) },
  )
  @Get(':id')
  async get(@Param('id') _id: string): Promise<string> {
    const { name } = currentLease()!;
    return `${name} for ${String(Math.ceil(currentLease()!.remaining() / 1_000))} s`;
  }
}

@Controller({ scope: Scope.REQUEST })
class ScopedMessages {
  constructor(@Inject(CONTEXT) readonly context: unknown) {}

  @UseLock('scoped', { wait: (self: ScopedMessages) => (self.context === undefined ? 0 : 1) })
  @MessagePattern('function')
  async withFunction(@Payload() _data: string): Promise<string> {
    return 'ran';
  }

  @UseLock((context) => `scoped:${String(context.switchToRpc().getData())}`)
  @MessagePattern('name')
  async withName(@Payload() _data: string): Promise<string> {
    return currentLease()!.name;
  }
}

describe('functions of the instance in @UseLock', () => {
  const apps: INestApplication[] = [];

  async function start(controllers: Type[], imports: DynamicModule[] = []): Promise<INestApplication> {
    const providers = [Settings, LockExceptionFilter];
    const module = await Test.createTestingModule({
      imports: [lockModule(), ...imports],
      controllers,
      providers,
    }).compile();
    const app = module.createNestApplication({ logger: false });
    app.useGlobalFilters(app.get(LockExceptionFilter));
    apps.push(app);
    return app.init();
  }

  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });

  it('name the lock, and set its options, at each request', async () => {
    const app = await start([CartController]);
    const server = app.getHttpServer();
    await request(server).get('/carts/class/7').expect(200, 'main:7');
    app.get(Settings).tenant = 'other';
    await request(server).get('/carts/class/7').expect(200, 'other:7');
    const { text } = await request(server).get('/carts/handler/7').expect(200);
    expect(Number(text)).toBeGreaterThan(1_000);
    expect(Number(text)).toBeLessThanOrEqual(5_000);

    const held = await app.get(LockService).acquire('other:7');
    await request(server).get('/carts/class/7').expect(409);
    await held.release();
  });

  it('are checked at each request, before the handler runs', async () => {
    const app = await start([CartController]);
    app.get(Settings).wait = undefined;
    await request(app.getHttpServer()).get('/carts/class/7').expect(500);
    app.get(Settings).wait = 0;
    await request(app.getHttpServer()).get('/carts/class/7').expect(200, 'main:7');
  });

  it('get the instance of the module that serves the request', async () => {
    @Module({})
    class One {}
    @Module({})
    class Two {}
    const serving = (module: Type, tenant: string): DynamicModule => ({
      module,
      controllers: [CartController],
      providers: [{ provide: Settings, useValue: { tenant, wait: 0 } }],
    });
    const routes = RouterModule.register([
      { path: 'one', module: One },
      { path: 'two', module: Two },
    ]);
    const app = await start([], [serving(One, 'one'), serving(Two, 'two'), routes]);
    await request(app.getHttpServer()).get('/one/carts/class/7').expect(200, 'one:7');
    await request(app.getHttpServer()).get('/two/carts/class/7').expect(200, 'two:7');
  });

  it('get the instance of the request in a request-scoped class', async () => {
    const app = await start([ScopedController]);
    const ask = (tenant: string, lease: string) =>
      request(app.getHttpServer()).get('/scoped/7').set({ 'X-Tenant': tenant, 'X-Lease': lease });
    const answers = await Promise.all([ask('one', '3000'), ask('two', '5000')]);
    expect(answers.map(({ text }) => text)).toEqual(['one:7 for 3 s', 'two:7 for 5 s']);
    await ask('one', 'long').expect(500);
  });

  it('fail if Nest does not give the instance to interceptors', async () => {
    const app = await start([ScopedMessages]);
    const errors: unknown[] = [];
    const service = app.connectMicroservice({ transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } });
    service.useGlobalFilters({ catch: (error: unknown) => errors.push(error) });
    await app.startAllMicroservices();
    const { port } = service.unwrap<Server>().address() as AddressInfo;
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });

    await firstValueFrom(client.send('function', 'x')).catch(() => undefined);
    expect(errors).toEqual([expect.any(LockConfigError)]);
    expect((errors[0] as Error).message).toContain('ScopedMessages.withFunction was not run: an option of its lock');
    expect(await firstValueFrom(client.send('name', 'x'))).toBe('scoped:x');
    client.close();
  });
});
