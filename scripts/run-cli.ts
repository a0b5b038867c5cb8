/** Runs the program from a checkout, in this very process, so that signals reach it: `npm run trainer-sdk -- dev --help`. */
import "./ensure-built.ts";

if (process.exitCode === undefined) await import(new URL("../dist/cli/bin.cjs", import.meta.url).href);
