import type { Attributes } from '@opentelemetry/api';
import { NAMESPACE } from '../metrics/definitions.js';

/** `{ template }` becomes `{ 'redis_lock.template': template }`. */
export function attributesOf(labels: Readonly<Record<string, string>>): Attributes {
  return Object.fromEntries(Object.entries(labels).map(([label, value]) => [`${NAMESPACE}.${label}`, value]));
}
