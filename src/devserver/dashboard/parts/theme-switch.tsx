/** Chooses light, dark, or what the system has. */
import { useContext } from "preact/hooks";
import { THEME_CHOICES, ThemeContext } from "../data/theme.js";

const WORDS = { system: "System", light: "Light", dark: "Dark" } as const;

export function ThemeSwitch() {
  const theme = useContext(ThemeContext);
  if (!theme) return null;
  return (
    <select
      class="theme"
      aria-label="Theme"
      value={theme.choice}
      onChange={(event) => {
        theme.choose(THEME_CHOICES.find((choice) => choice === event.currentTarget.value) ?? "system");
      }}
    >
      {THEME_CHOICES.map((choice) => (
        <option key={choice} value={choice}>
          {WORDS[choice]}
        </option>
      ))}
    </select>
  );
}
