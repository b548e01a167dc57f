// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** A lock's name for a message or a log line: quoted, with its control characters escaped. */
export function quoteName(name: string): string {
  return `"${escapeControls(name)}"`;
}

export function escapeControls(text: string): string {
  return text.replace(UNSAFE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
