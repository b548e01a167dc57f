import { ValidationPipe } from '@nestjs/common';

/** Checks every body against its class: 400, with what is wrong, for a value or a member that does not belong there. */
export function validationPipe(): ValidationPipe {
  return new ValidationPipe({
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    transform: true,
    // The answer would hold what was sent, which may be large.
    validationError: { target: false, value: false },
  });
}
