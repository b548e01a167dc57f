import type { Mutation } from './loader.js';

export interface ListedMutation extends Mutation {
  /** On how many nodes it has to be noticed. */
  readonly nodes: readonly number[];
}

export const MUTATIONS: readonly ListedMutation[] = [];
