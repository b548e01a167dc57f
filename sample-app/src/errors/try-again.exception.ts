import { ServiceUnavailableException } from '@nestjs/common';

/** 503 with `Retry-After`: nothing is wrong with the request, and the same one may do in a moment. */
export class TryAgainException extends ServiceUnavailableException {
  constructor(code: string, message: string) {
    super({ statusCode: 503, code, message });
  }
}
