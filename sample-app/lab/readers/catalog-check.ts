import { isDeepStrictEqual } from 'node:util';
import { sql } from 'drizzle-orm';
import type { Database } from '../../shop/database/database.js';

/** The catalog as the database itself puts it together, by other means than the shop does. */
const catalogFromDatabase = sql`
  select json_agg(json_build_object('id', one.id, 'name', one.name, 'section', one.section, 'children', (
    select json_agg(json_build_object('id', two.id, 'name', two.name, 'children', (
      select json_agg(json_build_object('id', three.id, 'name', three.name) order by three.id)
      from categories three where three.parent_id = two.id
    )) order by two.id)
    from categories two where two.parent_id = one.id
  )) order by one.id) as catalog
  from categories one where one.parent_id is null`;

/** Compares the responses to readers with the database. */
export class CatalogCheck {
  private known: Buffer | undefined;

  private constructor(private readonly expected: unknown) {}

  static async of(database: Database): Promise<CatalogCheck> {
    const { rows } = await database.execute<{ catalog: unknown }>(catalogFromDatabase);
    return new CatalogCheck(rows[0]?.catalog);
  }

  isRight(body: Buffer): boolean {
    // Two thousand bodies are compared by their bytes; only one that is new is taken apart.
    if (this.known?.equals(body)) return true;
    const right = isDeepStrictEqual(parsed(body), this.expected);
    if (right) this.known = body;
    return right;
  }
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
