import { describe, expect, it } from "vitest";
import { finalPlan, startPlan, type StatusStep } from "../../../../src/sinks/clearml/status-plan.js";

/** The server's table (`clearml-protocol`, 3.3), written down a second time: what may follow without force, itself included. */
const ALLOWED: Record<string, readonly string[]> = {
  created: ["created", "queued", "in_progress"],
  queued: ["queued", "created", "in_progress", "stopped"],
  in_progress: ["in_progress", "stopped", "failed", "created", "completed"],
  stopped: ["stopped", "closed", "created", "failed", "queued", "in_progress", "published", "publishing", "completed"],
  closed: ["closed", "created", "failed", "published", "publishing", "stopped"],
  failed: ["failed", "created", "stopped", "published", "queued"],
  completed: ["completed", "published", "in_progress", "created"],
};
const OPEN = Object.keys(ALLOWED);

function carryOut(plan: readonly StatusStep[], from: string): string {
  return plan.reduce((status, { to, force }) => {
    if (!force) expect(ALLOWED[status], `${status} to ${to}`).toContain(to);
    return to;
  }, from);
}

describe("status plans", () => {
  it.each(OPEN)("starts a task that is %s, and touches one that runs already not at all", (status) => {
    const plan = startPlan(status);
    if (plan === "locked") throw new Error("not published");
    expect(plan).toHaveLength(status === "in_progress" ? 0 : 1);
    expect(carryOut(plan, status)).toBe("in_progress");
  });

  it.each(OPEN.flatMap((status) => (["completed", "failed", "stopped"] as const).map((end) => [status, end] as const)))(
    "ends a task that is %s as %s by calls that the server takes",
    (status, end) => {
      const plan = finalPlan(end, status);
      if (plan === "locked") throw new Error("not published");
      expect(carryOut(plan, status)).toBe(end);
    },
  );

  it("uses force only where the server's table has no way", () => {
    const forced = OPEN.flatMap((status) => [
      ...[startPlan(status)].flatMap((plan) => (plan !== "locked" && plan.some(({ force }) => force) ? [`${status} starts`] : [])),
      ...(["completed", "failed", "stopped"] as const).flatMap((end) => {
        const plan = finalPlan(end, status);
        return plan !== "locked" && plan.some(({ force }) => force) ? [`${status} ${end}`] : [];
      }),
    ]);
    expect(forced).toEqual([
      "closed starts",
      "closed completed",
      "failed starts",
      "failed completed",
      "completed failed",
      "completed stopped",
    ]);
  });

  it.each(["published", "publishing"])("leaves a %s task alone", (status) => {
    expect(startPlan(status)).toBe("locked");
    for (const end of ["completed", "failed", "stopped"] as const) expect(finalPlan(end, status)).toBe("locked");
  });

  it("gives a task that never ran a beginning before its end", () => {
    expect(finalPlan("completed", "created")).toEqual([
      { to: "in_progress", force: false },
      { to: "completed", force: false },
    ]);
  });
});
