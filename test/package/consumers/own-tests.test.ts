import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { execute, installProject, nodeOf, pack, temporaryFolder } from "./archive.js";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let project: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  const { archive } = await pack(folder.path);
  project = await installProject("own-tests", folder.path, archive, [
    "vitest",
    "msw",
    "@mswjs/interceptors",
    "@aws-sdk/client-s3",
    "@aws-sdk/lib-storage",
  ]);
});
afterAll(() => folder.remove());

describe("a project that tests itself with trainer-sdk/testing", () => {
  it.each(["22.19.0", "24", "26"])("is green on Node %s, with unhandled requests set to error", async (version) => {
    await rm(path.join(project, "report.json"), { force: true });
    const output = await execute(
      await nodeOf(version),
      [path.join(project, "node_modules/vitest/vitest.mjs"), "run", "--reporter=default", "--reporter=json", "--outputFile=report.json"],
      project,
    );
    const report = JSON.parse(await readFile(path.join(project, "report.json"), "utf8")) as {
      numPassedTests: number;
      numTotalTests: number;
    };
    expect(report, output.stdout + output.stderr).toMatchObject({ numPassedTests: 3, numTotalTests: 3 });
    expect(output.stderr).not.toContain("without a matching request handler");
  });
});
