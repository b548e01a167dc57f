/** Stands for all sections together, where the name of one is expected. No section is called this. */
export const WHOLE_CATALOG = '*';
