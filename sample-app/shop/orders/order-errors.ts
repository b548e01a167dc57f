import { ConflictException, NotFoundException, UnprocessableEntityException } from '@nestjs/common';
import { TryAgainException } from '../errors/try-again.exception.js';

export class UnknownSkuException extends NotFoundException {
  constructor(sku: string) {
    super({ statusCode: 404, code: 'UNKNOWN_SKU', message: `There is nothing called "${sku}".` });
  }
}

export class SoldOutException extends ConflictException {
  constructor(sku: string, left: number) {
    super({ statusCode: 409, code: 'SOLD_OUT', message: `Only ${String(left)} of "${sku}" are left.`, left });
  }
}

export class KeyReusedException extends UnprocessableEntityException {
  constructor() {
    super({ statusCode: 422, code: 'KEY_REUSED', message: 'This Idempotency-Key belongs to another order.' });
  }
}

/** The write was too late: a newer holder has written meanwhile. Nothing was changed. */
export class StaleOrderException extends TryAgainException {
  constructor() {
    super('STALE_LOCK', 'The lock was lost while the order was placed. Nothing was changed; send the order again.');
  }
}
