export const SKIPPED: string;
