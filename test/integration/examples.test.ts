/** The examples check their own result; here they are run. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

it.each(["custom-dialect", "express-receiver"])("examples/%s ends well", async (name) => {
  const program = fileURLToPath(new URL(`../../examples/${name}/run.ts`, import.meta.url));
  const { code, said } = await new Promise<{ code: unknown; said: string }>((resolve) => {
    execFile(process.execPath, [program], { timeout: 50_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, said: `${stdout}${stderr}` }),
    );
  });
  expect(code, said).toBe(0);
  expect(said).toContain("the backend");
});
