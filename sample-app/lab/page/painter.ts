/** Draws at most once per frame, and not at all while the tab is hidden. */
export class Painter {
  private asked = false;

  constructor(private readonly paint: () => void) {
    document.addEventListener('visibilitychange', () => this.ask());
  }

  ask(): void {
    if (this.asked || document.hidden) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.paint();
    });
  }
}
