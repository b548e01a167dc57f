import { ControlError } from './control-error.js';

/** Turns a failed command into an answer for the page: Redis did not answer. */
export async function orNoRedis<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new ControlError(409, `Redis does not answer now (${error instanceof Error ? error.message : 'no reason'}).`);
  }
}
