/** The list of keys that work in the view that is shown, behind `?` and a button. */
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { ShortcutsContext, useShortcuts } from "../data/shortcuts.js";

export function ShortcutHelp() {
  const shortcuts = useContext(ShortcutsContext);
  const dialog = useRef<HTMLDialogElement>(null);
  const [isOpen, setOpen] = useState(false);
  useShortcuts("Everywhere", [{ keys: "?", does: "This list", run: () => setOpen(true) }]);
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  return (
    <>
      <button type="button" class="quiet help-button" aria-label="Keyboard shortcuts" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        ?
      </button>
      {isOpen && (
        <dialog
          ref={dialog}
          class="help"
          aria-labelledby="help-title"
          onClose={() => setOpen(false)}
          onClick={(event) => {
            // A click beside the content is a click on the dialog's backdrop.
            if (event.target === dialog.current) dialog.current?.close();
          }}
        >
          <div class="help-content">
            <header class="page-head">
              <h2 id="help-title">Keyboard</h2>
              <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
                Close
              </button>
            </header>
            {shortcuts?.groups().map(({ title, list }) => (
              <section key={title}>
                <h3>{title}</h3>
                <dl>
                  {list.map(({ keys, does }) => (
                    <div key={keys}>
                      <dt>
                        {keys.split(" ").map((key) => (
                          <kbd key={key}>{key}</kbd>
                        ))}
                      </dt>
                      <dd>{does}</dd>
                    </div>
                  ))}
                </dl>
              </section>
            ))}
          </div>
        </dialog>
      )}
    </>
  );
}
