/**
 * The published files. Each entry is built as ES modules with shared chunks, which `scripts/merge-chunks.ts` merges and writes as
 * CommonJS too. Run by `scripts/build-package.ts`, which says into which folder.
 */
import { defineConfig, type Options } from "tsup";

/** One entry for each subpath of `exports` in package.json; a test compares the two. */
const doors = {
  index: "src/index.ts",
  "clearml/index": "src/clearml/index.ts",
  "devserver/index": "src/devserver/index.ts",
  "migrate/index": "src/migrate/index.ts",
  "temporal/index": "src/temporal/index.ts",
  "temporal/workflow/index": "src/temporal/workflow/index.ts",
  "testing/index": "src/testing/index.ts",
};

const shared: Options = {
  target: "node22.19",
  platform: "node",
  splitting: true,
  sourcemap: true,
  // Maps give stack traces their lines; the text itself is in the repository, and would weigh more than all else together.
  esbuildOptions: (options) => {
    options.sourcesContent = false;
  },
  // `node:sqlite` has no other name.
  removeNodeProtocol: false,
  // The parts below run side by side into an empty folder.
  clean: false,
  // Their import would cost more than everything else together, or break CommonJS test runners: docs/decisions/dependencies.md.
  noExternal: ["zod", "p-retry", "is-network-error", "js-yaml"],
  // For the licences of what is inside: scripts/third-party-licences.ts.
  metafile: true,
  // zod asks whether it runs on Cloudflare's workers. On Node that question loads a fifth of what a start loads of Node itself.
  define: { navigator: "undefined" },
};

export default defineConfig([
  { ...shared, name: "esm", format: "esm", entry: { ...doors, "cli/main": "src/cli/main.ts" } },
  { ...shared, name: "types", format: ["esm", "cjs"], entry: doors, dts: { only: true } },
  // Read by any old Node, so that it can say what it needs: no newer syntax, no import.
  {
    ...shared,
    name: "bin",
    format: "cjs",
    target: "node12.22",
    entry: { "cli/bin": "src/cli/bin.ts" },
    banner: { js: "#!/usr/bin/env node" },
    splitting: false,
    sourcemap: false,
    metafile: false,
  },
  // A program that a worker starts and does not wait for: one file, found beside the entry.
  {
    ...shared,
    name: "supervisor",
    format: "cjs",
    entry: { "temporal/supervisor": "src/temporal/subprocess/supervisor.ts" },
    splitting: false,
    sourcemap: false,
    metafile: false,
  },
]);
