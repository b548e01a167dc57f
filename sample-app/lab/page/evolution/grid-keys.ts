type Step = readonly [rows: number, columns: number];

const steps: Readonly<Record<string, Step>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -Infinity],
  End: [0, Infinity],
};

/** Arrow keys go from cell to cell of a grid, which is one stop for the Tab key however many cells it has. */
export class GridKeys {
  constructor(private readonly grid: HTMLElement) {
    grid.addEventListener('keydown', (event) => {
      const step = steps[event.key];
      if (step === undefined || !(event.target instanceof HTMLButtonElement)) return;
      event.preventDefault();
      this.go(event.target, step);
    });
    grid.addEventListener('focusin', ({ target }) => {
      if (target instanceof HTMLButtonElement) this.makeStop(target);
    });
  }

  private go(from: HTMLButtonElement, [rows, columns]: Step): void {
    const grid = [...this.grid.querySelectorAll('tbody tr')].map((row) => [...row.querySelectorAll('button')]);
    const row = grid.findIndex((buttons) => buttons.includes(from));
    const target = grid[clamp(row + rows, grid.length)];
    const column = grid[row]?.indexOf(from) ?? 0;
    target?.[clamp(column + columns, target.length)]?.focus();
  }

  private makeStop(button: HTMLButtonElement): void {
    for (const stop of this.grid.querySelectorAll('button[tabindex="0"]')) stop.setAttribute('tabindex', '-1');
    button.setAttribute('tabindex', '0');
  }
}

function clamp(index: number, length: number): number {
  return Math.max(0, Math.min(length - 1, index));
}
