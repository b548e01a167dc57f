/** Why a control did nothing, as an HTTP status and a sentence for people. */
export class ControlError extends Error {
  override readonly name = 'ControlError';

  /** @param status 400: the question makes no sense; 409: it cannot be done now, or not here */
  constructor(
    readonly status: 400 | 403 | 404 | 405 | 409 | 413 | 503,
    message: string,
  ) {
    super(message);
  }
}
