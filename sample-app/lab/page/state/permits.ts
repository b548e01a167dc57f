/** Whether it is a permit of the supplier: it has several holders at a time, unlike a lock. */
export function isPermit({ name }: { readonly name: string }): boolean {
  return name === 'supplier';
}
