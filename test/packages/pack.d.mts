export function pack(root: string, destination: string): { tarball: string; files: string[] };
