import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ServerProcess } from '../../sample-app/services/server-process.js';
import { waitUntil } from '../support/wait-until.js';
import { buildSample, type BuiltSample } from './built-sample.js';

/** Stands for a replica, or for the controls. */
class Backend {
  readonly asked: string[] = [];
  readonly bodies: string[] = [];
  hangs = false;
  /** What it answers to the check for readiness. */
  ready = 200;
  /** Breaks a request off after it has read it. */
  breaks = false;
  private readonly server: Server;

  private constructor(private readonly name: string) {
    this.server = createServer((request, response) => this.handle(request, response));
  }

  static async start(name: string): Promise<Backend> {
    const backend = new Backend(name);
    await once(backend.server.listen(0, '127.0.0.1'), 'listening');
    return backend;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private handle(request: IncomingMessage, response: ServerResponse): void {
    const { method, url, headers } = request;
    const check = url?.startsWith('/health/') === true;
    if (!check) this.asked.push(`${method} ${url}`);
    if (this.hangs) return;
    if (check) {
      response.writeHead(url === '/health/ready' ? this.ready : 200).end();
      return;
    }
    if (method === 'POST') {
      void this.takeBody(request, response);
      return;
    }
    if (url === '/live/events') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write(`data: ${this.name}\n\n`);
    } else response.end(JSON.stringify({ name: this.name, host: headers.host }));
  }

  private async takeBody(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.bodies.push(await text(request));
    if (this.breaks) response.destroy();
    else response.end(JSON.stringify({ name: this.name, host: request.headers.host }));
  }
}

describe('the proxy', () => {
  let built: BuiltSample;
  const running: { close(): unknown }[] = [];

  beforeAll(async () => {
    built = await buildSample();
  });
  afterEach(async () => {
    for (const each of running.splice(0)) await each.close();
  });
  afterAll(() => built.remove());

  const backend = async (name: string) => {
    const one = await Backend.start(name);
    running.push(one);
    return one;
  };
  const start = async (targets: Backend[], env: NodeJS.ProcessEnv = {}) => {
    const proxy = await ServerProcess.start({
      name: 'proxy',
      command: process.execPath,
      args: [fileURLToPath(new URL('lab/proxy/main.js', built.folder))],
      env: { ...process.env, TARGETS: targets.map(({ url }) => url).join(','), PORT: '0', ...env },
      ready: /listens on/,
    });
    running.push({ close: () => proxy.stop() });
    return /http:\/\/\S+/.exec(proxy.readyLine)![0];
  };
  const name = async (url: string, init?: RequestInit) =>
    ((await (await fetch(url, init)).json()) as { name: string }).name;

  it('sends no new requests to a replica that does not reply, and aborts its reads and streams, but not its changes', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const url = await start([a, b]);
    expect(new Set([await name(url), await name(url)])).toEqual(new Set(['a', 'b']));
    const streams = await Promise.all([fetch(`${url}/live/events`), fetch(`${url}/live/events`)]);
    const ends = streams.map(async (stream) => {
      let text = '';
      try {
        for await (const chunk of stream.body!) text += Buffer.from(chunk).toString();
      } catch {
        return text.trim();
      }
      return 'ended';
    });
    a.hangs = true;
    // Asked at once, in turns: one of each is at a replica that does not answer.
    const reads = [name(`${url}/one`), name(`${url}/two`)];
    const answers: number[] = [];
    for (const change of [1, 2]) {
      fetch(`${url}/${change}`, { method: 'POST', body: '{}' })
        .then(({ status }) => answers.push(status))
        .catch(() => {});
    }
    expect(await Promise.all(reads)).toEqual(['b', 'b']);
    expect(await Promise.race(ends)).toBe('data: a');
    const before = a.asked.length;
    for (let i = 0; i < 6; i += 1) expect(await name(url)).toBe('b');
    expect(a.asked).toHaveLength(before);
    expect(b.asked.filter((asked) => asked.startsWith('POST'))).toHaveLength(1);
    // The other change stays where it is: nobody knows how far it got.
    expect(answers).toEqual([200]);

    a.hangs = false;
    await waitUntil('it is asked again', async () => (await name(url)) === 'a');
  });

  it('uses another replica at once if one has ended', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const url = await start([a, b]);
    a.close();
    for (let i = 0; i < 4; i += 1) expect(await name(url)).toBe('b');
  });

  it('sends no new requests to a replica that is not ready, and lets it finish the running ones', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const url = await start([a, b]);
    expect(new Set([await name(url), await name(url)])).toEqual(new Set(['a', 'b']));
    const streams = await Promise.all([fetch(`${url}/live/events`), fetch(`${url}/live/events`)]);
    a.ready = 503;
    await waitUntil('it is left out', async () => (await name(url)) === 'b' && (await name(url)) === 'b');
    const before = a.asked.length;
    for (let i = 0; i < 6; i += 1) expect(await name(url)).toBe('b');
    expect(a.asked).toHaveLength(before);
    // Its stream is still open: it lives.
    const readers = streams.map((stream) => stream.body!.getReader());
    const first = await Promise.all(readers.map((reader) => reader.read()));
    expect(
      first
        .map(({ value }) =>
          Buffer.from(value ?? [])
            .toString()
            .trim(),
        )
        .sort(),
    ).toEqual(['data: a', 'data: b']);
    await Promise.all(readers.map((reader) => reader.cancel()));

    // If none is ready, one that answers is better than none.
    b.ready = 503;
    await waitUntil('both are asked', async () => (await name(url)) === 'a');
    b.ready = 200;
    await waitUntil('the ready one is asked', async () => (await name(url)) === 'b' && (await name(url)) === 'b');
    expect(await name(url)).toBe('b');
  });

  it('sends a change once to another replica, with its whole body, if a connection is refused', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const url = await start([a, b]);
    a.close();
    const body = 'x'.repeat(200_000);
    for (let i = 0; i < 4; i += 1) expect(await name(url, { method: 'POST', body })).toBe('b');
    expect(a.bodies).toEqual([]);
    expect(b.bodies).toEqual([body, body, body, body]);
  });

  it('never repeats a change that a replica has received', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const url = await start([a, b]);
    a.breaks = true;
    b.breaks = true;
    const statuses: number[] = [];
    for (let i = 0; i < 4; i += 1) statuses.push((await fetch(url, { method: 'POST', body: String(i) })).status);
    expect(statuses).toEqual([502, 502, 502, 502]);
    expect([...a.bodies, ...b.bodies].sort()).toEqual(['0', '1', '2', '3']);
  });

  it('rejects a body that is too large to be kept', async () => {
    const a = await backend('a');
    const url = await start([a]);
    const { status } = await fetch(url, { method: 'POST', body: 'x'.repeat(1_048_577) });
    expect(status).toBe(413);
    expect(a.bodies).toEqual([]);
    expect(await name(url)).toBe('a');
  });

  it('forwards to the controls, with the host name of the client, and only if there are any', async () => {
    const [a, controls] = [await backend('a'), await backend('controls')];
    const without = await start([a]);
    const refused = await fetch(`${without}/controls/state`);
    expect(refused.status).toBe(404);
    expect(await refused.json()).toEqual({ message: 'There are no controls here.' });

    const url = await start([a], { CONTROLS: controls.url });
    for (const path of ['/controls', '/controls/state', '/controls?x']) {
      const answer = await (await fetch(url + path)).json();
      expect(answer).toEqual({ name: 'controls', host: new URL(url).host });
    }
    expect(await name(`${url}/controlsx`)).toBe('a');
    controls.close();
    expect((await fetch(`${url}/controls/kill`, { method: 'POST', body: '{}' })).status).toBe(502);
  });
});
