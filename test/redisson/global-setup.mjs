// Compiles the Java side and has Maven fetch Redisson, into target/ and Maven's own cache.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));

function requireTool(command, option) {
  const { error, status } = spawnSync(command, [option], { stdio: 'ignore' });
  if (error === undefined && status === 0) return;
  throw new Error(
    `The tests with Redisson need a JDK (17 or later) and Maven, but "${command} ${option}" does not work. ` +
      'On Debian or Ubuntu: apt-get install default-jdk-headless maven',
  );
}

export default function globalSetup() {
  requireTool('java', '-version');
  requireTool('javac', '-version');
  requireTool('mvn', '-version');
  const { status, stdout, stderr } = spawnSync('mvn', ['-q', '-B', 'compile'], { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`mvn compile failed in test/redisson:\n${stdout}${stderr}`);
}
