/** Light or dark: as the system has it, until the reader chooses; the choice is kept in this browser. */
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";

/** What a reader can choose. */
export const THEME_CHOICES = ["system", "light", "dark"] as const;

export type ThemeChoice = (typeof THEME_CHOICES)[number];

export interface Theme {
  readonly choice: ThemeChoice;
  /** What the choice comes to now. */
  readonly shown: "light" | "dark";
  readonly choose: (choice: ThemeChoice) => void;
}

const STORED_AS = "trainer-sdk theme";

/** Set by the entry. */
export const ThemeContext = createContext<Theme | undefined>(undefined);

/** What is shown; a drawing made for one theme must be made again for the other. */
export function useShownTheme(): "light" | "dark" {
  return useContext(ThemeContext)?.shown ?? "light";
}

/** The page's theme, told to the style sheet. For the entry, which provides it to all others. */
export function useTheme(): Theme {
  const [choice, setChoice] = useState<ThemeChoice>(readChoice);
  const [systemIsDark, setSystemIsDark] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const system = matchMedia("(prefers-color-scheme: dark)");
    const follow = (): void => {
      setSystemIsDark(system.matches);
    };
    system.addEventListener("change", follow);
    return () => {
      system.removeEventListener("change", follow);
    };
  }, []);
  const shown = choice === "system" ? (systemIsDark ? "dark" : "light") : choice;
  // Before the first drawing, which reads its colours from the style sheet.
  document.documentElement.dataset["theme"] = shown;
  return {
    choice,
    shown,
    choose: (next) => {
      setChoice(next);
      keepChoice(next);
    },
  };
}

function readChoice(): ThemeChoice {
  try {
    const stored = localStorage.getItem(STORED_AS);
    return THEME_CHOICES.find((choice) => choice === stored) ?? "system";
  } catch {
    // A browser that keeps nothing for this page.
    return "system";
  }
}

function keepChoice(choice: ThemeChoice): void {
  try {
    if (choice === "system") localStorage.removeItem(STORED_AS);
    else localStorage.setItem(STORED_AS, choice);
  } catch {
    // Shown all the same, until the page is left.
  }
}
