import { BadRequestException, ValidationPipe } from '@nestjs/common';
import type { ArgumentMetadata } from '@nestjs/common';

/** More than any body of the shop needs. The libraries that check bodies recurse, and would exhaust the stack. */
const mostLevels = 8;

/**
 * Checks every body against its class: 400, with what is wrong, for a value or a member that does not belong there.
 *
 * Only bodies: the pipe would turn a parameter into the type it is declared with, `0x1` and `1e0` into 1, before the
 * pipe of that parameter sees what was sent.
 */
class BodyPipe extends ValidationPipe {
  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type !== 'body') return value;
    if (isDeeperThan(mostLevels, value)) {
      throw new BadRequestException(`The body must have at most ${String(mostLevels)} levels.`);
    }
    return super.transform(value, metadata);
  }
}

export function validationPipe(): ValidationPipe {
  return new BodyPipe({
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    transform: true,
    // The answer would hold what was sent, which may be large.
    validationError: { target: false, value: false },
  });
}

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeperThan(levels - 1, member));
}
