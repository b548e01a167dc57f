import { createTables } from './create-tables.js';
import type { Database } from './database.js';
import { catalogVersion, categories, prices, stock } from './schema.js';
import type { Category, StockItem } from './schema.js';

const sections = [
  ...['Furniture', 'Lighting', 'Kitchen', 'Bathroom', 'Garden', 'Office'],
  ...['Children', 'Bedding', 'Curtains', 'Storage', 'Tools', 'Paint'],
];
const styles = [
  ...['Oak', 'Pine', 'Steel', 'Glass', 'Linen', 'Cotton'],
  ...['Leather', 'Bamboo', 'Marble', 'Copper', 'Rattan', 'Velvet'],
];
const goods = [
  ...['Classic', 'Modern', 'Compact', 'Large', 'Folding', 'Outdoor', 'Light', 'Heavy'],
  ...['Round', 'Square', 'Tall', 'Low', 'Soft', 'Bright', 'Plain'],
];

/** The same 12 sections, 144 groups and 2,160 goods every time. */
export function seedCategories(): Category[] {
  const rows: Category[] = [];
  const add = (parent: Category | null, name: string): Category => {
    const row = {
      id: rows.length + 1,
      parentId: parent?.id ?? null,
      level: (parent?.level ?? 0) + 1,
      section: parent?.section ?? name.toLowerCase(),
      name,
    };
    rows.push(row);
    return row;
  };
  for (const name of sections) {
    const section = add(null, name);
    for (const style of styles) {
      const group = add(section, style);
      for (const good of goods) add(group, good);
    }
  }
  return rows;
}

const articles = [
  ...['Oak table', 'Pine shelf', 'Steel lamp', 'Glass vase', 'Linen curtain', 'Cotton blanket'],
  ...['Leather chair', 'Bamboo screen', 'Marble board', 'Copper pan', 'Rattan basket', 'Velvet cushion'],
];
const piecesEach = 5_000;

/** The same 12 articles every time: `oak-table`, `pine-shelf` … */
export function seedStock(): StockItem[] {
  return articles.map((name) => ({
    sku: name.toLowerCase().replace(' ', '-'),
    name,
    stock: piecesEach,
    fence: 0,
  }));
}

/** Creates the tables and fills them. What is there already stays as it is. */
export async function seed(database: Database): Promise<void> {
  await createTables(database);
  await database.insert(categories).values(seedCategories()).onConflictDoNothing();
  await database.insert(catalogVersion).values({ id: 1, version: 1 }).onConflictDoNothing();
  await database.insert(stock).values(seedStock()).onConflictDoNothing();
  const first = seedStock().map(({ sku }, index) => ({ sku, cents: 1_990 + 1_000 * index }));
  await database.insert(prices).values(first).onConflictDoNothing();
}
