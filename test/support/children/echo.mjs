// Says hello, repeats what it is told, and ends when its input ends.
import { createInterface } from 'node:readline';

const say = (message) => console.log(JSON.stringify(message));
say({ type: 'hello', args: process.argv.slice(2), greeting: process.env.GREETING });
for await (const line of createInterface({ input: process.stdin })) {
  const { type, ...rest } = JSON.parse(line);
  if (type === 'fail') {
    console.error('told to fail');
    process.exit(3);
  }
  say({ type: 'echo', ...rest });
}
