// Says what its clocks show, at the start and whenever it is asked.
const say = () =>
  console.log(
    JSON.stringify({ type: 'time', wall: Date.now(), monotonic: Number(process.hrtime.bigint() / 1_000_000n) }),
  );
process.stdin.on('data', say);
say();
