/** The example of the worker, as a reader starts it. It checks its own result. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { temporalProgram } from "./tools.js";

it("examples/temporal-worker finds its trainer adopted and its task completed", async () => {
  const env: NodeJS.ProcessEnv = { ...process.env, TEMPORAL_PROGRAM: await temporalProgram() };
  delete env["TEMPORAL_ADDRESS"];
  const program = fileURLToPath(new URL("../../../examples/temporal-worker/run.ts", import.meta.url));
  const { code, said } = await new Promise<{ code: unknown; said: string }>((resolve) => {
    execFile(process.execPath, [program], { env, timeout: 170_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? error.signal), said: `${stdout}${stderr}` }),
    );
  });
  expect(code, said).toBe(0);
  expect(said).toContain("The worker is killed");
});
