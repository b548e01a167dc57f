import { ServiceUnavailableException } from '@nestjs/common';

/** 503 with `Retry-After`: nothing is wrong with the request, and the same one may do in a moment. */
export class TryAgainException extends ServiceUnavailableException {
  /** @param cause what went wrong below, for the log; the client does not see it */
  constructor(code: string, message: string, cause?: Error) {
    super({ statusCode: 503, code, message }, cause === undefined ? {} : { cause });
  }
}
