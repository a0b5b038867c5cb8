/** The browser tab's title, so that several open tasks can be told apart. */
import { useEffect } from "preact/hooks";

/** Sets the title while the calling view is shown; without `subject` the product's name stands alone. */
export function useTitle(subject: string | undefined): void {
  useEffect(() => {
    document.title = subject === undefined ? "trainer-sdk" : `${subject} · trainer-sdk`;
  }, [subject]);
}
