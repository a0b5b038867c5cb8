/** A killed trainer whose parent never asks for its exit code stays in the process table. It must not stay in the lock. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";
import { machineProcessTable } from "../../../src/base/folder-lock.js";
import { eventually } from "../../support/fake-clock.js";

it.runIf(process.platform === "linux")("counts a zombie as dead and a living process as alive", async () => {
  // The shell becomes `sleep`, which never reaps the child that it inherits.
  const parent = spawn("sh", ["-c", "sh -c 'echo $$' & exec sleep 60"], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [line] = (await once(createInterface({ input: parent.stdout }), "line")) as [string];
    const zombie = Number(line);
    await eventually(() => / Z /.test(readFileSync(`/proc/${String(zombie)}/stat`, "utf8")), "a zombie");
    const table = machineProcessTable();
    expect(table.startedAt(zombie)).toBeUndefined();
    expect(table.startedAt(process.pid)).toMatch(/^\d+$/);
  } finally {
    parent.kill("SIGKILL");
  }
});
