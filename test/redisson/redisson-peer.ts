import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

type Answer =
  | { readonly ready: string }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string; readonly message: string };

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A Java process with one Redisson client. See `src/main/java/peer/RedissonPeer.java` for what it understands. */
export class RedissonPeer implements AsyncDisposable {
  /** Resolves with Redisson's version once it is connected. */
  readonly ready: Promise<string>;
  private readonly exited: Promise<unknown>;
  private readonly pending = new Map<number, Pending>();
  private stderr = '';
  private lastId = 0;

  private constructor(private readonly child: ChildProcessWithoutNullStreams) {
    child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    child.stdin.on('error', () => undefined);
    this.ready = new Promise((resolve, reject) => {
      this.pending.set(0, { resolve: resolve as (version: unknown) => void, reject });
    });
    createInterface({ input: child.stdout }).on('line', (line) => this.hear(line));
    this.exited = once(child, 'close').then(() => {
      for (const { reject } of this.pending.values()) reject(new Error(`The Java process has ended.\n${this.stderr}`));
    });
  }

  /**
   * @param watchdogMs the length of a lease that Redisson's watchdog renews
   * @param placeMs how long a waiter for a fair lock keeps its place. Default: Redisson's, 5 minutes
   */
  static async start(
    redisUrl: string,
    watchdogMs: number,
    mode: 'single' | 'cluster' = 'single',
    placeMs?: number,
  ): Promise<RedissonPeer> {
    const target = fileURLToPath(new URL('target/', import.meta.url));
    const classpath = `${target}classes:${readFileSync(`${target}classpath`, 'utf8')}`;
    // For a quick start: it is not around long enough for the better compiler.
    const jvm = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];
    const args = [...jvm, '-cp', classpath, 'peer.RedissonPeer', redisUrl, String(watchdogMs), mode];
    if (placeMs !== undefined) args.push(String(placeMs));
    const peer = new RedissonPeer(spawn('java', args));
    await peer.ready;
    return peer;
  }

  /** A thread of the Java process: Redisson's locks belong to threads. It is made when first used. */
  thread(name: string): JavaThread {
    return new JavaThread((command, args) => this.ask(name, command, args));
  }

  /** `kill -9`: nothing is given back. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  private ask(thread: string, command: string, args: object): Promise<unknown> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.child.stdin.write(`${JSON.stringify({ id, thread, do: command, ...args })}\n`);
    });
  }

  private hear(line: string): void {
    let answer: Answer;
    try {
      answer = JSON.parse(line) as Answer;
    } catch {
      this.stderr += `${line}\n`;
      return;
    }
    const id = 'ready' in answer ? 0 : answer.id;
    const asked = this.pending.get(id);
    this.pending.delete(id);
    if ('ready' in answer) asked?.resolve(answer.ready);
    else if ('error' in answer) asked?.reject(Object.assign(new Error(answer.message), { name: answer.error }));
    else asked?.resolve(answer.result);
  }
}

/**
 * What one Java thread does with Redisson's locks, under the names that Redisson has for it. Whatever Java throws is
 * an `Error` with the exception's class as `name`. Durations are in ms.
 */
export class JavaThread {
  constructor(private readonly ask: (command: string, args: object) => Promise<unknown>) {}

  /** The same thread, with the read or the write lock of `RReadWriteLock`, or with `RFairLock`, instead of `RLock`. */
  to(mode: 'read' | 'write' | 'fair'): JavaThread {
    return new JavaThread((command, args) => this.ask(command, { ...args, mode }));
  }

  /** Waits for the lock. Without a `lease` the watchdog renews it. */
  async lock(name: string, options: { lease?: number } = {}): Promise<void> {
    await this.ask('lock', { name, ...options });
  }

  /** Without a `wait` one try. */
  async tryLock(name: string, options: { wait?: number; lease?: number } = {}): Promise<boolean> {
    return (await this.ask('tryLock', { name, ...options })) as boolean;
  }

  async unlock(name: string): Promise<void> {
    await this.ask('unlock', { name });
  }

  async forceUnlock(name: string): Promise<boolean> {
    return (await this.ask('forceUnlock', { name })) as boolean;
  }

  async isLocked(name: string): Promise<boolean> {
    return (await this.ask('isLocked', { name })) as boolean;
  }

  async isHeldByMe(name: string): Promise<boolean> {
    return (await this.ask('isHeldByMe', { name })) as boolean;
  }

  async holds(name: string): Promise<number> {
    return (await this.ask('holds', { name })) as number;
  }

  /** -2: not locked. */
  async remaining(name: string): Promise<number> {
    return (await this.ask('remaining', { name })) as number;
  }

  /** The field that this thread's holds have in a lock's hash. */
  async owner(): Promise<string> {
    return (await this.ask('owner', { name: '' })) as string;
  }

  /** Of `RFencedLock`; `unlock` gives it back. */
  async lockAndGetToken(name: string): Promise<number> {
    return (await this.ask('lockAndGetToken', { name })) as number;
  }

  /** Of `RFencedLock`: the last token. */
  async token(name: string): Promise<number> {
    return (await this.ask('token', { name })) as number;
  }

  /** Whether this thread has tried a lock, subscribed and tried again, and now waits for a notice. */
  async isAsleep(): Promise<boolean> {
    return (await this.ask('isAsleep', {})) as boolean;
  }

  /** Enters and leaves the lock `count` times. Resolves with how often somebody else was inside, too. */
  async sections(name: string, witness: { count: number; inside: string; order: string }): Promise<number> {
    return (await this.ask('sections', { name, ...witness })) as number;
  }

  /** Enters and leaves the lock `count` times, and tells the gauge on this port when it is inside. */
  async gaugedSections(name: string, options: { count: number; weight: number; gauge: number }): Promise<void> {
    await this.ask('gaugedSections', { name, ...options });
  }

  /** Of `RCountDownLatch`, like the next ones. `false` if it has a count. */
  async trySetCount(name: string, count: number): Promise<boolean> {
    return (await this.ask('trySetCount', { name, count })) as boolean;
  }

  async countDown(name: string): Promise<void> {
    await this.ask('countDown', { name });
  }

  async count(name: string): Promise<number> {
    return (await this.ask('count', { name })) as number;
  }

  async awaitLatch(name: string): Promise<void> {
    await this.ask('awaitLatch', { name });
  }

  /** Of `RPermitExpirableSemaphore`, like the next ones. `false` if the semaphore exists. */
  async trySetPermits(name: string, permits: number): Promise<boolean> {
    return (await this.ask('trySetPermits', { name, take: permits })) as boolean;
  }

  /** Waits for permits, and resolves with their ids. */
  async acquirePermits(name: string, options: { take?: number; lease?: number } = {}): Promise<string[]> {
    return (await this.ask('acquirePermits', { name, ...options })) as string[];
  }

  /** One try: no ids if there are too few. */
  async tryAcquirePermits(name: string, options: { take?: number; lease?: number } = {}): Promise<string[]> {
    return ((await this.ask('tryAcquirePermits', { name, ...options })) as string[] | null) ?? [];
  }

  async releasePermits(name: string, ids: readonly string[]): Promise<void> {
    await this.ask('releasePermits', { name, ids });
  }

  async availablePermits(name: string): Promise<number> {
    return (await this.ask('availablePermits', { name })) as number;
  }

  /** Of `RSemaphore`, whose permits have no lease. */
  async acquirePlain(name: string): Promise<void> {
    await this.ask('acquirePlain', { name });
  }

  async releasePlain(name: string): Promise<void> {
    await this.ask('releasePlain', { name });
  }

  /** Takes and returns permits `count` times, and tells the gauge on this port when it has them. */
  async permitSections(name: string, options: { count: number; take: number; gauge: number }): Promise<void> {
    await this.ask('permitSections', { name, ...options });
  }
}
