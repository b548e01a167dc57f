/** The element with this id, of this kind. The page has it, or it is a mistake in index.html. */
export function byId(id: string): HTMLElement;
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T;
export function byId(id: string, kind: new () => HTMLElement = HTMLElement): HTMLElement {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`The page has no ${kind.name} #${id}.`);
}

type Attributes = Readonly<Record<string, string>>;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Leaves the page alone when nothing changes: screen readers and the layout then have nothing to do. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node: Element, name: string, value: string | null): void {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** A part of the page that shows one thing, and can show it again after it changed. */
export interface Part<T> {
  readonly root: HTMLElement;
  show(item: T): void;
}

/** Children that stand for a list of things: each keeps its element, and with it the focus, while the list changes. */
export class KeyedChildren<T> {
  private readonly parts = new Map<string, Part<T>>();

  constructor(
    private readonly parent: HTMLElement,
    private readonly keyOf: (item: T) => string,
    private readonly make: (item: T) => Part<T>,
  ) {}

  show(items: readonly T[]): void {
    const keys = new Set(items.map((item) => this.keyOf(item)));
    for (const [key, part] of this.parts) {
      if (keys.has(key)) continue;
      part.root.remove();
      this.parts.delete(key);
    }
    items.forEach((item, index) => {
      const part = this.partOf(item);
      part.show(item);
      const there = this.parent.children[index];
      if (there !== part.root) this.parent.insertBefore(part.root, there ?? null);
    });
  }

  private partOf(item: T): Part<T> {
    const key = this.keyOf(item);
    const known = this.parts.get(key);
    if (known !== undefined) return known;
    const part = this.make(item);
    this.parts.set(key, part);
    return part;
  }
}
