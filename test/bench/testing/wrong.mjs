// Contestants that are wrong on purpose, for the specs of the driver.
const wrong = {
  package: 'none',
  kind: 'peer',
  setting: 'default',
  client: 'none',
  exclusive: true,
  processes: 'many',
};
const client = (section) => ({ section, gaveUp: () => 0, close: () => Promise.resolve() });

export const contestants = [
  { ...wrong, id: 'no-lock', title: 'no lock', open: async () => client(async (_name, body) => body()) },
  { ...wrong, id: 'never', title: 'never', open: async () => client(() => new Promise(() => undefined)) },
  { ...wrong, id: 'ends', title: 'ends', open: async () => client(async () => process.exit(3)) },
  { ...wrong, id: 'unreachable', title: 'unreachable', open: () => Promise.reject(new Error('nobody there')) },
];
