/**
 * Breaks the code on purpose, in the bundle and never in the sources, so that anybody can see the bench fail: each
 * sabotage takes one promise away by changing a line or two. A line that is not there any more is an error.
 */
import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

interface Sabotage {
  readonly file: string;
  readonly find: string;
  readonly put: string;
  /** What the bench must notice. */
  readonly takesAway: string;
}

export const SABOTAGES: Readonly<Record<string, Sabotage>> = {
  "acknowledge-before-delivery": {
    file: "outbox/lane.ts",
    find: "const answer = await this.#unlessAbandoned(sink.deliver(batch",
    put: "this.#account.settle(batch.map(({ sequence }) => sequence));\n      const answer = await this.#unlessAbandoned(sink.deliver(batch",
    takesAway: "a record is settled only once its sink has it",
  },
  "skip-the-fsync": {
    file: "outbox/group-commit.ts",
    find: "if (batch.some((pending) => pending.durable)) await store.sync();",
    put: "",
    takesAway: "a promise is kept only after the fsync",
  },
  "announce-before-upload": {
    file: "outbox/ledger.ts",
    find: "if (traits.attachment) this.uploads.set(sequence, traits.attachment);",
    put: "",
    takesAway: "a file is announced only once it is stored",
  },
  "pin-nothing": {
    file: "trainer/upload-checkpoint.ts",
    find: 'pin: input.pin ?? "copy"',
    put: 'pin: input.pin ?? "none"',
    takesAway: "what arrives is what the file held when the promise was kept",
  },
  "resend-lines-blindly": {
    file: "sinks/clearml/event-delivery.ts",
    find: "const there = await findDeliveredLines(calls, logLines);",
    put: "const there = new Set<string>();",
    takesAway: "a console line is looked for before it is sent again",
  },
  "create-without-search": {
    file: "base/find-or-create.ts",
    find: "const before = oldest(await steps.search());",
    put: "const before = undefined as T | undefined;\n  if (!before) return { found: { id: await steps.create() }, created: true };",
    takesAway: "a task, a model is looked for before it is made",
  },
  "settle-after-the-end": {
    file: "outbox/lane.ts",
    find: "if (isBarrier && (await this.#unlessAbandoned(this.#account.makeDurable())) === ABANDONED) return;",
    put: "",
    takesAway: "nothing is sent again after the end",
  },
  "compact-before-copy": {
    file: "outbox/compaction.ts",
    find: "store.rewrite(group, (sequence) => ledger.isNeeded(sequence))",
    put: "store.rewrite(group, () => false)",
    takesAway: "compaction keeps what is still owed",
  },
};

/** The plugin that applies one of them. @throws Error when there is none of that name, or its line has gone. */
export function sabotagePlugin(name: string): Plugin {
  const sabotage = SABOTAGES[name];
  if (!sabotage) throw new Error(`There is no sabotage ${JSON.stringify(name)}; there are ${Object.keys(SABOTAGES).join(", ")}.`);
  const { file, find, put } = sabotage;
  return {
    name: "sabotage",
    setup(build) {
      build.onLoad({ filter: new RegExp(`/src/${file.replaceAll(/[.]/g, "\\.")}$`) }, async ({ path }) => {
        const text = await readFile(path, "utf8");
        if (!text.includes(find)) throw new Error(`The sabotage ${name} no longer finds its line in src/${file}.`);
        return { contents: text.replace(find, () => put), loader: "ts" };
      });
    },
  };
}
