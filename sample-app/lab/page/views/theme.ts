import { byId, setText } from '../dom.js';

const themes = ['system', 'light', 'dark'] as const;
type Theme = (typeof themes)[number];

const key = 'theme';

/** The button that goes round the themes. The choice is kept in this browser. */
export function themeSwitch(onChange: () => void): void {
  const button = byId('theme');
  let theme: Theme = themes.find((name) => name === localStorage.getItem(key)) ?? 'system';
  const apply = (): void => {
    document.documentElement.dataset.theme = theme;
    setText(button, `Theme: ${theme}`);
    onChange();
  };
  button.addEventListener('click', () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'system';
    localStorage.setItem(key, theme);
    apply();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', onChange);
  apply();
}
