import { afterEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Scope, type INestApplicationContext, type Provider } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  currentLease,
  InjectLockService,
  LockConfigError,
  LockService,
  RedisLockModule,
  WithLock,
} from 'nestjs-redis-lock';
import { lockModule } from './helpers/lock-module.js';
import { Meeting } from './helpers/meeting.js';

const MEET = Symbol('meet');
const MADE = Symbol('made by a factory');
const VALUE = Symbol('given as a value');
type Meet = () => Promise<void>;

@Injectable()
class Catalog {
  @Inject(MEET)
  protected readonly meet!: Meet;

  @WithLock('catalog:<0>')
  async rebuild(section: string): Promise<string> {
    await this.meet();
    return `${section} under ${currentLease()?.name ?? 'no lock'}`;
  }

  async viaSelf(section: string): Promise<string> {
    return this.rebuild(section);
  }

  @WithLock('catalog:<0>')
  async nested(section: string): Promise<number[]> {
    const outer = currentLease()!.token;
    await this.rebuild(section);
    return [outer, await this.tokenInside(section)];
  }

  @WithLock('catalog:<0>')
  async tokenInside(_section: string): Promise<number> {
    return currentLease()!.token;
  }
}

@Injectable()
class InheritingCatalog extends Catalog {}

@Injectable()
class OverridingCatalog extends Catalog {
  override async rebuild(section: string): Promise<string> {
    return `my ${await super.rebuild(section)}`;
  }
}

@Injectable()
class TwiceLockedCatalog extends Catalog {
  @WithLock<[string]>((section) => ['catalog:' + section, 'index'])
  override async rebuild(section: string): Promise<string> {
    return `my ${await super.rebuild(section)}`;
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class TransientCatalog extends Catalog {}

@Injectable({ scope: Scope.REQUEST })
class RequestScopedCatalog extends Catalog {}

@Injectable()
class Several {
  @Inject(MEET)
  private readonly meet!: Meet;

  @WithLock(['b:<0>', 'a:<1>'])
  async both(_b: string, _a: string): Promise<string> {
    await this.meet();
    const { locks } = this;
    const held = await Promise.all(['a:1', 'b:2'].map((name) => locks.inspect(name)));
    return held.map((state) => state.held).join();
  }

  constructor(@Inject(LockService) private readonly locks: LockService) {}
}

class PlainClass {
  constructor(private readonly meet: Meet) {}

  @WithLock('plain')
  async work(): Promise<string> {
    await this.meet();
    return currentLease()!.name;
  }
}

describe('@WithLock on a provider', () => {
  let app: INestApplicationContext;
  let meeting: Meeting;

  async function start(...providers: Provider[]): Promise<INestApplicationContext> {
    const meet = () => meeting.attend();
    const module = await Test.createTestingModule({
      imports: [lockModule()],
      providers: [...providers, { provide: MEET, useValue: meet }],
    }).compile();
    app = module;
    return module.init();
  }

  const expectMeeting = (callers: number) => (meeting = new Meeting(callers, () => [app.get(LockService)]));

  afterEach(async () => {
    await app.close();
  });

  it.each([
    { kind: 'called from outside', type: Catalog, result: 'books under catalog:books' },
    { kind: 'inherited', type: InheritingCatalog, result: 'books under catalog:books' },
    { kind: 'overridden without a lock of its own', type: OverridingCatalog, result: 'my books under catalog:books' },
    { kind: 'overridden under a lock of its own', type: TwiceLockedCatalog, result: 'my books under catalog:books' },
  ])('runs a method one at a time: $kind', async ({ type, result }) => {
    await start(type);
    expectMeeting(3);
    const catalog = app.get<Catalog>(type);

    const results = await Promise.all([1, 2, 3].map(() => catalog.rebuild('books')));

    expect(results).toEqual([result, result, result]);
    expect(meeting).toMatchObject({ most: 1, done: 3 });
  });

  it('lets calls with different names run at the same time', async () => {
    await start(Catalog);
    meeting = new Meeting(2, () => []);

    await Promise.all([app.get(Catalog).rebuild('books'), app.get(Catalog).rebuild('music')]);

    expect(meeting.most).toBe(2);
  });

  it('runs a method that the instance itself calls one at a time', async () => {
    await start(Catalog);
    expectMeeting(2);

    await Promise.all([app.get(Catalog).viaSelf('books'), app.get(Catalog).rebuild('books')]);

    expect(meeting).toMatchObject({ most: 1, done: 2 });
  });

  it('joins the lease when a locked method calls another one with the same lock', async () => {
    await start(Catalog);
    expectMeeting(1);

    const [outer, inner] = await app.get(Catalog).nested('books');

    expect(inner).toBe(outer);
    expect(app.get(LockService).stats()).toMatchObject({ held: 0 });
  });

  it.each([
    { kind: 'transient', type: TransientCatalog },
    { kind: 'request-scoped', type: RequestScopedCatalog },
  ])('runs a method one at a time across several instances of a $kind provider', async ({ type }) => {
    await start(type);
    expectMeeting(2);
    const [one, other] = await Promise.all([app.resolve<Catalog>(type), app.resolve<Catalog>(type)]);

    await Promise.all([one.rebuild('books'), other.rebuild('books')]);

    expect(one).not.toBe(other);
    expect(meeting).toMatchObject({ most: 1, done: 2 });
  });

  it('takes several locks, all of which are held', async () => {
    await start(Several);
    expectMeeting(2);

    const results = await Promise.all([app.get(Several).both('2', '1'), app.get(Several).both('2', '1')]);

    expect(results).toEqual(['true,true', 'true,true']);
    expect(meeting.most).toBe(1);
  });

  it('works on instances from a factory and from useValue', async () => {
    const meet = () => meeting.attend();
    await start(
      { provide: MADE, useFactory: async () => new PlainClass(meet) },
      { provide: VALUE, useValue: new PlainClass(meet) },
    );
    expectMeeting(2);

    const results = await Promise.all([app.get<PlainClass>(MADE).work(), app.get<PlainClass>(VALUE).work()]);

    expect(results).toEqual(['plain', 'plain']);
    expect(meeting).toMatchObject({ most: 1, done: 2 });
  });

  it('fails on an instance that was created outside of the app, without running the method', async () => {
    await start(Catalog);
    let ran = false;
    const made = new PlainClass(async () => void (ran = true));

    const refusal = await made.work().catch((error: unknown) => error);

    expect(refusal).toBeInstanceOf(LockConfigError);
    expect((refusal as Error).message).toContain('PlainClass.work was not run');
    expect(ran).toBe(false);
  });

  it('fails if the method is called without its instance', async () => {
    await start(Catalog);
    const { rebuild } = app.get(Catalog);

    await expect(rebuild('books')).rejects.toThrow(LockConfigError);
  });

  it('fails on a request-scoped instance from a factory, and on a frozen one', async () => {
    let ran = false;
    const make = () => new PlainClass(async () => void (ran = true));
    await start(
      { provide: MADE, useFactory: make, scope: Scope.REQUEST },
      { provide: VALUE, useValue: Object.freeze(make()) },
    );

    const made = await app.resolve<PlainClass>(MADE);

    await expect(made.work()).rejects.toThrow(LockConfigError);
    await expect(app.get<PlainClass>(VALUE).work()).rejects.toThrow(LockConfigError);
    expect(ran).toBe(false);
  });
});

@Injectable()
class Reports {
  constructor(
    @InjectLockService('reports') readonly own: LockService,
    @Inject(LockService) readonly byDefault: LockService,
  ) {}

  @WithLock('report', { connection: 'reports' })
  async run(): Promise<number> {
    return this.own.stats().held - this.byDefault.stats().held;
  }

  @WithLock('report')
  async runByDefault(): Promise<number> {
    return this.byDefault.stats().held - this.own.stats().held;
  }
}

describe('a named connection', () => {
  let app: INestApplicationContext | undefined;

  afterEach(async () => {
    await app?.close();
  });

  it('has its own service, which the decorator uses', async () => {
    const module = await Test.createTestingModule({
      imports: [lockModule(), lockModule({ name: 'reports' })],
      providers: [Reports],
    }).compile();
    app = await module.init();

    const reports = app.get(Reports);

    expect(reports.own).not.toBe(reports.byDefault);
    expect(await reports.run()).toBe(1);
    expect(await reports.runByDefault()).toBe(1);
  });

  it('makes start-up fail if it is not registered', async () => {
    const starting = Test.createTestingModule({
      imports: [RedisLockModule.forRoot({ memory: true })],
      providers: [Reports],
    }).compile();

    await expect(starting).rejects.toThrow('nestjs-redis-lock/RedisLockModule/reports');
  });
});

describe('two apps in one process', () => {
  const apps: INestApplicationContext[] = [];

  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });

  it('have separate services, and exclude each other only in Redis', async () => {
    const start = async (keyPrefix: string, meet: Meet) => {
      const module = await Test.createTestingModule({
        imports: [lockModule({ keyPrefix })],
        providers: [Catalog, { provide: MEET, useValue: meet }],
      }).compile();
      return module.init();
    };
    let meeting = new Meeting(2, () => apps.map((app) => app.get(LockService)));
    const meet = () => meeting.attend();
    const here = `${crypto.randomUUID()}:`;
    apps.push(await start(here, meet), await start(here, meet), await start(`${crypto.randomUUID()}:`, meet));
    const [one, same, elsewhere] = apps.map((app) => app.get(Catalog)) as [Catalog, Catalog, Catalog];

    await Promise.all([one.rebuild('books'), same.rebuild('books')]);
    const together = meeting.most;
    meeting = new Meeting(2, () => []);
    await Promise.all([one.rebuild('books'), elsewhere.rebuild('books')]);
    const apart = meeting.most;
    await apps.shift()!.close();

    expect([together, apart]).toEqual([1, 2]);
    await expect(one.rebuild('books')).rejects.toMatchObject({ code: 'LOCK_SHUTDOWN' });
    meeting = new Meeting(1, () => []);
    expect(await same.rebuild('books')).toBe('books under catalog:books');
  });
});
