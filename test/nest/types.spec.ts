import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { currentLease, LockBusyError, WithLock } from 'nestjs-redis-lock';
import { of, type Observable } from 'rxjs';

interface Order {
  readonly id: string;
}

// The compiler is the test: what is refused carries a @ts-expect-error, and "npm run typecheck" fails where one is not
// needed. The class is loaded too, so that what is accepted is also accepted at run time.
@Injectable()
export class Accepted {
  private readonly limit = 5;
  private readonly prefix = 'order:';

  @WithLock('a')
  async promise(): Promise<number> {
    return 1;
  }

  @WithLock('a')
  thenable(): PromiseLike<number> {
    return Promise.resolve(1);
  }

  @WithLock('a', { returns: 'observable' })
  observable(): Observable<number> {
    return of(1);
  }

  @WithLock<[Order]>((order) => `order:${order.id}`)
  async ordered(order: Order): Promise<string> {
    return order.id;
  }

  @WithLock((order: Order) => [`order:${order.id}`, 'orders'])
  async moreArgumentsThanTheName(order: Order, _label: string): Promise<string> {
    return order.id;
  }

  @WithLock(() => 'a')
  async noneInTheName(_label: string): Promise<void> {}

  @WithLock('a', { onBusy: 'skip' })
  async skippedVoid(): Promise<void> {}

  @WithLock('a', { onBusy: 'skip' })
  async skippedMaybe(): Promise<Order | undefined> {
    return undefined;
  }

  @WithLock('a', { onBusy: 'throw' })
  async throwing(): Promise<Order> {
    return { id: 'a' };
  }

  @WithLock('a', { onBusy: (busy) => busy.waitedMs })
  async answered(): Promise<number> {
    return 1;
  }

  @WithLock<[Order]>((order) => order.id, {
    onBusy: async (busy: LockBusyError, order) => busy.waitedMs + order.id.length,
  })
  async answeredLater(order: Order): Promise<number> {
    return order.id.length;
  }

  @WithLock('a', { onBusy: () => of(2), returns: 'observable' })
  answeredByStream(): Observable<number> {
    return of(1);
  }

  @WithLock(function (this: Accepted, order: Order) {
    return this.prefix + order.id;
  })
  async namedByTheInstance(order: Order): Promise<string> {
    return order.id;
  }

  @WithLock<[Order]>((order) => order.id, { wait: (self) => self.limit })
  async numberOfTheInstance(order: Order): Promise<string> {
    return order.id;
  }

  @WithLock('a', { wait: (self: Accepted) => self.limit, lease: 1_000, onBusy: 'skip' })
  async privateNumberOfTheInstance(): Promise<void> {}

  @WithLock('a')
  async generic<T extends object>(value: T): Promise<T> {
    return value;
  }
}

// Never called: at run time some of it would pass, and some is refused with other errors than the compiler's.
export function refused(): unknown {
  class Refused {
    // @ts-expect-error -- the function is for instances of another class
    @WithLock('a', { wait: (self: Accepted) => self.promise.length })
    async otherInstance(): Promise<void> {}

    // @ts-expect-error -- the name is made from an instance of another class
    @WithLock(function (this: Accepted) {
      return this.promise.name;
    })
    async nameOfOtherInstance(): Promise<void> {}

    // @ts-expect-error -- the function does not return a number
    @WithLock('a', { wait: () => '5' })
    async text(): Promise<void> {}

    // @ts-expect-error -- only numbers may be functions of the instance
    @WithLock('a', { renew: () => false })
    async flag(): Promise<void> {}

    // @ts-expect-error -- a synchronous method would return before it has the lock
    @WithLock('a')
    synchronous(): number {
      return 1;
    }

    // @ts-expect-error -- so would one that returns nothing
    @WithLock('a')
    nothing(): void {}

    // @ts-expect-error -- the body of a generator runs after the call
    @WithLock('a')
    async *generator(): AsyncGenerator<number> {
      yield 1;
    }

    // @ts-expect-error -- a getter is no method
    @WithLock('a')
    get value(): Promise<number> {
      return Promise.resolve(1);
    }

    // @ts-expect-error -- the name is made of other arguments than the method has
    @WithLock<[Order]>((order) => order.id)
    async otherArguments(id: string): Promise<string> {
      return id;
    }

    // @ts-expect-error -- the name needs more arguments than the method has
    @WithLock((order: Order, label: string) => order.id + label)
    async fewerArguments(order: Order): Promise<string> {
      return order.id;
    }

    // @ts-expect-error -- a skipped call resolves with undefined
    @WithLock('a', { onBusy: 'skip' })
    async skipped(): Promise<number> {
      return 1;
    }

    // @ts-expect-error -- onBusy gives the caller something else than the method does
    @WithLock('a', { onBusy: () => 'busy' })
    async answered(): Promise<number> {
      return 1;
    }

    // @ts-expect-error -- no such option
    @WithLock('a', { ttl: 1 })
    async unknownOption(): Promise<void> {}

    // @ts-expect-error -- a template is text
    @WithLock(1)
    async noTemplate(): Promise<void> {}

    // @ts-expect-error -- the name function gives text
    @WithLock(() => 1)
    async noName(): Promise<void> {}
  }
  return Refused;
}

describe('the types of @WithLock', () => {
  it('accept the same as the decorator', () => {
    expect(Object.getOwnPropertyNames(Accepted.prototype)).toHaveLength(17);
    expect(currentLease()).toBeUndefined();
  });
});
