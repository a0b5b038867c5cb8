/**
 * Keys that do something without a pointer. Each view names its own while it is shown; the list behind `?` is made of
 * exactly those, so it cannot say anything that is not so.
 */
import { createContext } from "preact";
import { useContext, useEffect, useRef } from "preact/hooks";

/** One shortcut. */
export interface Shortcut {
  /** One key as the browser names it (`/`, `j`, `Escape`), or two after each other, with a space between: `g t`. */
  readonly keys: string;
  /** What it does, as in "Next task". */
  readonly does: string;
  readonly run: () => void;
}

/** How long a first key waits for its second. */
const SEQUENCE_MS = 1000;

/** The page's shortcuts. It listens from {@link Shortcuts.open} to {@link Shortcuts.close}. */
export class Shortcuts {
  readonly #groups = new Map<symbol, { readonly title: string; readonly list: readonly Shortcut[] }>();
  #first: { readonly key: string; readonly at: number } | undefined;

  /** Adds a view's shortcuts; the returned function takes them away. */
  add(title: string, list: readonly Shortcut[]): () => void {
    const id = Symbol(title);
    this.#groups.set(id, { title, list });
    return () => this.#groups.delete(id);
  }

  /** What works now, by view. */
  groups(): { readonly title: string; readonly list: readonly Shortcut[] }[] {
    return [...this.#groups.values()].filter((group) => group.list.length > 0);
  }

  /** Listens to the keyboard. */
  open(): void {
    addEventListener("keydown", this.#onKey);
  }

  /** Ends that. */
  close(): void {
    removeEventListener("keydown", this.#onKey);
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const first = this.#first !== undefined && event.timeStamp - this.#first.at < SEQUENCE_MS ? this.#first.key : undefined;
    const all = [...this.#groups.values()].reverse().flatMap((group) => group.list);
    const found =
      (first === undefined ? undefined : all.find((shortcut) => shortcut.keys === `${first} ${event.key}`)) ??
      all.find((shortcut) => shortcut.keys === event.key);
    this.#first = undefined;
    if (found) {
      event.preventDefault();
      found.run();
    } else if (all.some((shortcut) => shortcut.keys.startsWith(`${event.key} `))) {
      this.#first = { key: event.key, at: event.timeStamp };
    }
  };
}

/** Keys belong to what is being written in, and to an open dialog. */
function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button", "range"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.closest("dialog[open]") !== null;
}

/** Set by the entry. */
export const ShortcutsContext = createContext<Shortcuts | undefined>(undefined);

/** Names the calling view's shortcuts for as long as it is shown. */
export function useShortcuts(title: string, list: readonly Shortcut[]): void {
  const shortcuts = useContext(ShortcutsContext);
  const latest = useRef(list);
  latest.current = list;
  const shape = list.map((shortcut) => `${shortcut.keys} ${shortcut.does}`).join("\n");
  useEffect(
    () =>
      shortcuts?.add(
        title,
        latest.current.map(({ keys, does }, index) => ({ keys, does, run: () => latest.current[index]?.run() })),
      ),
    [shortcuts, title, shape],
  );
}

/** Puts the cursor into the view's search field. */
export function focusSearch(): void {
  const field = document.querySelector<HTMLInputElement>("main input[type=search]");
  field?.focus();
  field?.select();
}
