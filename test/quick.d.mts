export const quickFolders: readonly string[];
export const quickFiles: readonly string[];
