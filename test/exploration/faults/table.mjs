// Prints the tables of README.md beside this file from results: node test/exploration/faults/table.mjs RESULT.json…
import { readFileSync } from 'node:fs';

const results = process.argv.slice(2).flatMap((path) => JSON.parse(readFileSync(path, 'utf8')).results);
const own = results.filter(({ lib }) => lib === 'own');
const peers = results.filter(({ lib }) => lib !== 'own');

/** Which rounds a fault was made in, and what was counted there. */
const sum = (rounds, figure) => rounds.reduce((all, { counts }) => all + (counts[figure] ?? 0), 0);
/** Peers that count their attempts instead of the time are not judged for answering late. */
const late = ({ property, message }) => property === 'forgotten' && message.endsWith('ms late');
const broken = (rounds, property) =>
  rounds.reduce(
    (all, { violations }) => all + violations.filter((each) => each.property === property && !late(each)).length,
    0,
  );
const row = (...cells) => console.log(`| ${cells.join(' | ')} |`);
const head = (...cells) => {
  row(...cells);
  row(...cells.map((_, index) => (index === 0 ? '---' : '---:')));
};

console.log('Topologies\n');
head(
  ...[
    'topology',
    'rounds',
    'seeds',
    'sections',
    'hand-overs',
    'faults',
    'locks lost, and told',
    'stale writes refused',
  ],
  ...['double holders', 'violations'],
);
for (const [topology, rounds] of groups(own, ({ topology }) => topology)) {
  const figures = ['sections', 'handOvers', 'faults', 'lostLocks', 'refusedWrites', 'doubleHolders'];
  const violations = rounds.reduce((all, round) => all + round.violations.length, 0);
  const seeds = rounds.map(({ seed }) => seed).join(', ');
  row(topology, rounds.length, seeds, ...figures.map((figure) => sum(rounds, figure)), violations);
}
row(
  'all',
  own.length,
  '',
  ...['sections', 'handOvers', 'faults', 'lostLocks', 'refusedWrites', 'doubleHolders'].map((figure) =>
    sum(own, figure),
  ),
  own.reduce((all, { violations }) => all + violations.length, 0),
);

console.log('\nFaults\n');
head('fault', 'made', 'sections in those rounds');
const faults = new Set(own.flatMap((round) => Object.keys(round.faults)));
for (const what of [...faults].sort()) {
  const rounds = own.filter((round) => round.faults[what] !== undefined);
  row(
    what,
    rounds.reduce((all, round) => all + round.faults[what], 0),
    sum(rounds, 'sections'),
  );
}

const properties = ['exclusion', 'stale-write', 'not-signalled', 'forgotten', 'unfinished', 'left-behind'];
console.log('\nPeers\n');
head('library', 'topology', 'sections', ...properties, 'double holders');
for (const [key, rounds] of groups(peers, ({ lib, topology }) => `${lib}, ${topology}`)) {
  const [lib, topology] = key.split(', ');
  const counted = properties.map((property) => broken(rounds, property));
  row(lib, topology, sum(rounds, 'sections'), ...counted, sum(rounds, 'doubleHolders'));
}

function groups(list, key) {
  const found = new Map();
  for (const item of list) found.set(key(item), [...(found.get(key(item)) ?? []), item]);
  return found;
}
