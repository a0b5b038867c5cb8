/** The example of the custom plots, run as a reader would. It checks itself. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

it("the example of custom plots finds everything that it reported", async () => {
  const program = fileURLToPath(new URL("../../examples/custom-plots/check.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program], { timeout: 55_000 });
  expect(stdout).toBe("12 plots and 3 images arrived, as they were reported.\n");
});
