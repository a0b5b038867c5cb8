import { describe, expect, it } from "vitest";
import type { LogFact } from "../../../../src/records/facts.js";
import { planDialect } from "../../../../src/sinks/platform/plan-dialect.js";
import { isLogged } from "../../../../src/sinks/platform/v2/platform-v2-dialect.js";
import { recordOf } from "../../../support/facts.js";

const said: LogFact = { kind: "log", level: "info", message: "said" };

describe("what a process printed", () => {
  it("goes to no backend, whatever it speaks; what the job said does", () => {
    for (const source of ["stdout", "stderr"] as const) {
      expect(planDialect.accepts?.(recordOf({ ...said, source }))).toBe(false);
      expect(isLogged(recordOf({ ...said, source }), { operation: "training" })).toBe(false);
    }
    expect(planDialect.accepts?.(recordOf(said))).toBe(true);
    expect(isLogged(recordOf(said), { operation: "training" })).toBe(true);
  });
});
