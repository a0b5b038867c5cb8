import { describe, expect, it } from "vitest";
import { silentLogger } from "../../../src/base/logger.js";
import type { Assembly } from "../../../src/trainer/assemble.js";
import { closeRun } from "../../../src/trainer/close-run.js";
import { FakeClock } from "../../support/fake-clock.js";

/** A silent rank's run, with what the test says. */
function anAssembly(parts: { release?: () => Promise<void>; allTaken?: () => Promise<void> }): Assembly<object> {
  return {
    run: {
      parts: { clock: new FakeClock(), logger: silentLogger },
      shutFor: () => undefined,
      drawHealth: () => undefined,
      allTaken: parts.allTaken ?? (() => Promise.resolve()),
    },
    release: parts.release ?? (() => Promise.resolve()),
  } as unknown as Assembly<object>;
}
const options = { deadlineMs: 1_000, notAfterMs: Number.POSITIVE_INFINITY, onClosed: () => undefined };

describe("closing a run", () => {
  it("does not reject when something of the caller's cannot be freed", async () => {
    const assembly = anAssembly({ release: () => Promise.reject(new Error("it is closed already")) });
    expect(await closeRun(assembly, options)).toMatchObject({ complete: true });
  });

  it("waits no longer for files than the caller's signal", async () => {
    const assembly = anAssembly({ allTaken: () => new Promise(() => undefined) });
    expect(await closeRun(assembly, { ...options, signal: AbortSignal.abort(new Error("enough")) })).toMatchObject({ complete: true });
  });
});
