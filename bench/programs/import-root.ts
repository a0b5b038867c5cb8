/** What the import of the root entry costs a fresh process, or, with `list`, which modules it loads. */
import { registerHooks } from "node:module";
import { answer, input } from "./input.ts";

const loaded: string[] = [];
const { list } = input<{ list?: boolean }>();
if (list === true)
  registerHooks({
    load(url, context, nextLoad) {
      loaded.push(url);
      return nextLoad(url, context);
    },
  });
const startedAt = performance.now();
await import("trainer-sdk");
answer({ ms: performance.now() - startedAt, loaded });
