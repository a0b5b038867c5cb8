/** The two entries of the Temporal companion, from the archive, beside the lowest versions of Temporal and of Kubernetes' client that they say they run with. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { execute, installProject, nodeOf, pack, projectRoot, temporaryFolder } from "./archive.js";

const PACKAGES = ["activity", "common", "workflow", "worker", "testing"].map((name) => `@temporalio/${name}`);
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let project: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  const { archive } = await pack(folder.path);
  const { peerDependencies } = JSON.parse(await readFile(path.join(projectRoot, "package.json"), "utf8")) as {
    peerDependencies: Readonly<Record<string, string>>;
  };
  // All of Temporal's packages in one process must be of one version.
  const lowest = peerDependencies["@temporalio/activity"]?.replace("^", "") ?? "";
  const kubernetes = peerDependencies["@kubernetes/client-node"]?.replace("^", "") ?? "";
  const packages = { ...Object.fromEntries(PACKAGES.map((name) => [name, lowest])), "@kubernetes/client-node": kubernetes };
  project = await installProject("temporal", folder.path, archive, [], packages);
});
afterAll(() => folder.remove());

describe("a worker that installed the archive", () => {
  describe.each(["22.19.0", "24", "26"])("on Node %s", (version) => {
    it.each(["main.mjs", "main.cjs"])(
      "%s runs the activities to a published failure, asks a cluster and bundles the workflow",
      async (program) => {
        const output = await execute(await nodeOf(version), ["--no-warnings", program, path.join(folder.path, version, program)], project);
        // Temporal's logger tells the failure of an activity on the other stream.
        expect(output, output.stderr).toMatchObject({ code: 0 });
        expect(JSON.parse(output.stdout)).toEqual({ failure: "as published", status: "failed", job: "none", bundled: true });
      },
    );
  });
});
