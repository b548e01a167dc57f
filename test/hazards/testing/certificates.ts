import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files of a certificate made for one test run, in PEM. */
export interface Certificates {
  /** The authority that signed the server's certificate. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Another authority of the same name, which signed nothing. */
  readonly otherCa: string;
}

const SUBJECT = '/CN=test authority';

/** Whether this machine can make certificates. */
export function canMakeCertificates(): boolean {
  return spawnSync('openssl', ['version']).status === 0;
}

/** Makes an authority and a certificate for 127.0.0.1 and localhost in `folder`, with openssl. */
export function makeCertificates(folder: string): Certificates {
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  for (const ca of ['ca', 'other-ca']) {
    openssl('req', '-x509', ...key, '-days', '2', '-subj', SUBJECT, '-keyout', `${ca}.key`, '-out', `${ca}.crt`);
  }
  const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost';
  openssl(
    'req',
    '-x509',
    ...key,
    '-days',
    '2',
    '-subj',
    '/CN=redis',
    '-addext',
    names,
    '-CA',
    'ca.crt',
    '-CAkey',
    'ca.key',
    '-keyout',
    'server.key',
    '-out',
    'server.crt',
  );
  return { ca: file('ca.crt'), cert: file('server.crt'), key: file('server.key'), otherCa: file('other-ca.crt') };
}

export const pem = (path: string): string => readFileSync(path, 'utf8');
