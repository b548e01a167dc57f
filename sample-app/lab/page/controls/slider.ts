import { byId, setText } from '../dom.js';

interface SliderOptions {
  /** Of the input; what shows its value has the same id with `-value`. */
  readonly id: string;
  readonly text: (value: number) => string;
  /** Called when the user releases it. */
  readonly set: (value: number) => Promise<void>;
}

/** A slider that shows the shop's value, except while the user moves it. */
export class Slider {
  private readonly input: HTMLInputElement;
  private readonly output: HTMLElement;
  private moving = false;
  private setting = false;

  constructor(private readonly options: SliderOptions) {
    this.input = byId(options.id, HTMLInputElement);
    this.output = byId(`${options.id}-value`);
    this.input.addEventListener('input', () => {
      this.moving = true;
      this.tell();
    });
    // Moved back to its old value, it emits no change, although the user has released it.
    for (const end of ['pointerup', 'pointercancel', 'blur']) {
      this.input.addEventListener(end, () => {
        if (!this.setting) this.moving = false;
      });
    }
    this.input.addEventListener('change', () => {
      this.moving = true;
      this.setting = true;
      void options.set(this.value).finally(() => {
        this.setting = false;
        this.moving = false;
      });
    });
  }

  get value(): number {
    return Number(this.input.value);
  }

  /** @param value `null`: it cannot be set now */
  show(value: number | null): void {
    this.input.disabled = value === null;
    if (value === null || this.moving) return;
    if (this.value !== value) this.input.value = String(value);
    this.tell();
  }

  private tell(): void {
    setText(this.output, this.options.text(this.value));
    this.input.setAttribute('aria-valuetext', this.options.text(this.value));
  }
}
