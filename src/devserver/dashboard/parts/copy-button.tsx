/** Copies a text and says so, to the eye and to a screen reader. */
import { useEffect, useState } from "preact/hooks";

export interface CopyButtonProps {
  readonly text: string;
  /** What is copied, as in "Copy task id". */
  readonly what: string;
}

export function CopyButton({ text, what }: CopyButtonProps) {
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  useEffect(() => {
    if (state === "idle") return undefined;
    const timer = setTimeout(() => {
      setState("idle");
    }, 1600);
    return () => {
      clearTimeout(timer);
    };
  }, [state]);
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => {
        setState("copied");
      },
      () => {
        setState("failed");
      },
    );
  };
  return (
    <button type="button" class="copy" aria-label={`Copy ${what}`} title={`Copy ${what}`} onClick={copy}>
      <span aria-live="polite">{state === "idle" ? "Copy" : state === "copied" ? "Copied" : "Not allowed"}</span>
    </button>
  );
}
