import { isGuardName } from '../evolution/guards.js';
import type { GuardName } from '../evolution/guards.js';

/** What can be changed while the shop runs. It lies in Redis under `<prefix>settings`; a channel of that name tells. */
export interface Settings {
  /** What guards the catalog. */
  readonly guard: GuardName;
  /** How long the slow query is made to take, in ms: a whole number from 0 to 10,000. */
  readonly queryMs: number;
}

export const settingsKey = 'settings';
export const mostQueryMs = 10_000;

/** @returns which of the settings make sense, and what does not */
export function readSettings(json: string): { settings: Partial<Settings>; ignored: string[] } {
  const given = parsed(json);
  if (given === null) return { settings: {}, ignored: ['the settings, which are no JSON object'] };
  const ignored: string[] = [];
  const settings: { -readonly [Name in keyof Settings]?: Settings[Name] } = {};
  for (const [name, value] of Object.entries(given)) {
    if (name === 'guard' && typeof value === 'string' && isGuardName(value)) settings.guard = value;
    else if (name === 'queryMs' && isQueryMs(value)) settings.queryMs = value;
    else ignored.push(`${name}: ${JSON.stringify(value)}`.slice(0, 100));
  }
  return { settings, ignored };
}

export function isQueryMs(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= mostQueryMs;
}

function parsed(json: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
