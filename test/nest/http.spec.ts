import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Inject,
  Injectable,
  NotFoundException,
  Param,
  Scope,
  SetMetadata,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import { Reflector, REQUEST } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { currentLease, LockService, WithLock } from 'nestjs-redis-lock';
import { from, mergeMap, Observable, of } from 'rxjs';
import request from 'supertest';
import { lockModule } from './helpers/lock-module.js';
import { Meeting } from './helpers/meeting.js';

const MEETINGS = Symbol('meetings');
type Meetings = (name: string) => Promise<void>;

/** Knows what stands in the metadata of the handler it guards. */
@Injectable()
class RoleGuard implements CanActivate {
  constructor(@Inject(Reflector) private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const roles = ['above', 'below'].map((key) => this.reflector.get<string>(key, context.getHandler()));
    context.switchToHttp().getRequest().roles = [...roles, context.getHandler().name];
    return true;
  }
}

function Shout(): MethodDecorator {
  return (_target, _key, descriptor: PropertyDescriptor) => {
    const original = descriptor.value;
    descriptor.value = async function (this: unknown, ...args: unknown[]) {
      return String(await original.apply(this, args)).toUpperCase();
    };
  };
}

@Injectable({ scope: Scope.REQUEST })
class RequestScoped {
  constructor(
    @Inject(REQUEST) readonly request: { url: string },
    @Inject(MEETINGS) private readonly meet: Meetings,
  ) {}

  @WithLock('scoped')
  async locked(): Promise<string> {
    await this.meet('scoped');
    return this.request.url;
  }
}

@Controller()
class ShopController {
  constructor(
    @Inject(MEETINGS) private readonly meet: Meetings,
    @Inject(RequestScoped) private readonly scoped: RequestScoped,
  ) {}

  @Get('plain/:id')
  async plain(@Param('id') id: string): Promise<string> {
    await this.meet('plain');
    return id;
  }

  @Get('locked/:id')
  @WithLock('item:<0>')
  async locked(@Param('id') id: string): Promise<string> {
    await this.meet('locked');
    return `${id} under ${currentLease()?.name ?? 'no lock'}`;
  }

  @WithLock('item:<0>')
  @Get('route-below/:id')
  async routeBelow(@Param('id') id: string): Promise<string> {
    await this.meet('route-below');
    return id;
  }

  @Get('stream/:id')
  @WithLock('item:<0>')
  stream(@Param('id') id: string): Observable<string> {
    return from(this.meet('stream')).pipe(mergeMap(() => of(`${id} in a stream`)));
  }

  @Get('scoped')
  scopedProvider(): Promise<string> {
    return this.scoped.locked();
  }

  @Get('roles/:id')
  @UseGuards(RoleGuard)
  @SetMetadata('above', 'a')
  @Shout()
  @WithLock('item:<0>')
  @SetMetadata('below', 'b')
  async roles(@Param('id') id: string): Promise<string> {
    await this.meet('roles');
    return `quiet ${id}`;
  }

  @Get('metadata/:id')
  @UseGuards(RoleGuard)
  @SetMetadata('above', 'a')
  @WithLock('item:<0>')
  @SetMetadata('below', 'b')
  async metadata(@Param('id') id: string): Promise<string> {
    await this.meet('metadata');
    return id;
  }

  @Get('missing/:id')
  @WithLock('item:<0>')
  async missing(@Param('id') id: string): Promise<string> {
    throw new NotFoundException(`no ${id}`);
  }
}

describe('@WithLock on methods that HTTP requests call', () => {
  let app: INestApplication;
  let meeting: Meeting;

  async function start(expected: number, services = () => [app.get(LockService)]): Promise<void> {
    meeting = new Meeting(expected, services);
    const module = await Test.createTestingModule({
      imports: [lockModule()],
      controllers: [ShopController],
      providers: [RequestScoped, RoleGuard, { provide: MEETINGS, useValue: () => meeting.attend() }],
    }).compile();
    app = module.createNestApplication();
    await app.listen(0);
  }

  const get = (path: string) => request(app.getHttpServer()).get(path);

  afterEach(async () => {
    await app.close();
  });

  it('without it, lets requests run at the same time', async () => {
    await start(2);

    await Promise.all([get('/plain/1'), get('/plain/1')]);

    expect(meeting.most).toBe(2);
  });

  it.each([
    { kind: 'a handler below its route', path: '/locked/1', text: '1 under item:1' },
    { kind: 'a handler above its route', path: '/route-below/1', text: '1' },
    { kind: 'a handler that returns an Observable', path: '/stream/1', text: '1 in a stream' },
    { kind: 'a request-scoped provider', path: '/scoped', text: '/scoped' },
    { kind: 'a handler with a guard and metadata', path: '/metadata/1', text: '1' },
  ])('lets one request at a time into $kind', async ({ path, text }) => {
    await start(3);

    const responses = await Promise.all([get(path), get(path), get(path)]);

    expect(responses.map((response) => [response.status, response.text])).toEqual(Array(3).fill([200, text]));
    expect(meeting).toMatchObject({ most: 1, done: 3 });
  });

  it('works below another decorator', async () => {
    await start(2);

    const responses = await Promise.all([get('/roles/1'), get('/roles/1')]);

    expect(responses.map(({ text }) => text)).toEqual(['QUIET 1', 'QUIET 1']);
    expect(meeting).toMatchObject({ most: 1, done: 2 });
  });

  it('lets requests with different names run at the same time', async () => {
    await start(2, () => []);

    await Promise.all([get('/locked/1'), get('/locked/2')]);

    expect(meeting.most).toBe(2);
  });

  it('keeps the metadata of decorators above and below, and the name of the method, for guards', async () => {
    await start(1);
    let seen: unknown;
    const guard = app.get(RoleGuard);
    const canActivate = guard.canActivate.bind(guard);
    guard.canActivate = (context) => {
      const answer = canActivate(context);
      seen = context.switchToHttp().getRequest().roles;
      return answer;
    };

    await get('/metadata/1').expect(200);

    expect(seen).toEqual(['a', 'b', 'metadata']);
  });

  it('passes an HttpException on unchanged', async () => {
    await start(1);

    const response = await get('/missing/7');

    expect(response.status).toBe(404);
    expect(response.body.message).toBe('no 7');
  });
});
