/** The reason why a control did nothing, as an HTTP status and a sentence for the page. */
export class ControlError extends Error {
  override readonly name = 'ControlError';

  /** @param status 400: the request is not valid; 409: it is not possible now, or not in this set-up */
  constructor(
    readonly status: 400 | 403 | 404 | 405 | 409 | 413 | 503,
    message: string,
  ) {
    super(message);
  }
}
