/**
 * Builds when `dist/` is missing or older than what it is made from; otherwise costs a few milliseconds. Lets tests, the
 * demo and the program be started from a fresh checkout.
 */
import { buildPackage } from "./build-package.ts";

try {
  await buildPackage({ onlyWhenStale: true });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
