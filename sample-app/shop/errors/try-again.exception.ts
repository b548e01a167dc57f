import { ServiceUnavailableException } from '@nestjs/common';

/** 503 with `Retry-After`: the request is valid and may succeed when it is sent again. */
export class TryAgainException extends ServiceUnavailableException {
  /** @param cause what went wrong below, for the log; the client does not see it */
  constructor(code: string, message: string, cause?: Error) {
    super({ statusCode: 503, code, message }, cause === undefined ? {} : { cause });
  }
}
