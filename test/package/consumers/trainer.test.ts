import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { execute, installProject, nodeOf, pack, temporaryFolder } from "./archive.js";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let project: string;
let files: readonly string[];
let unpackedBytes: number;

/** What an installed package may weigh, source maps included. Raise it with a reason. */
const MAX_UNPACKED_BYTES = 8 * 1024 * 1024;

beforeAll(async () => {
  folder = await temporaryFolder();
  const packed = await pack(folder.path);
  ({ files, unpackedBytes } = packed);
  project = await installProject("trainer", folder.path, packed.archive);
});
afterAll(() => folder.remove());

describe("a project that installed the archive", () => {
  describe.each(["22.19.0", "24", "26"])("on Node %s", (version) => {
    it.each(["main.mjs", "main.cjs"])("%s trains, finds its task completed, and knows errors of the other copy", async (program) => {
      const output = await execute(await nodeOf(version), [program], project);
      expect(output.stderr).toBe("");
      expect(JSON.parse(output.stdout)).toEqual({
        complete: true,
        uri: true,
        tasks: [{ name: "Training Job 7", status: "completed" }],
        ownError: true,
        foreignError: true,
        foreignOther: false,
      });
    });

    it("starts the program", async () => {
      const output = await execute(
        await nodeOf(version),
        [path.join(project, "node_modules/trainer-sdk/dist/cli/bin.cjs"), "--version"],
        project,
      );
      expect(output).toMatchObject({ code: 0, stderr: "" });
      expect(output.stdout.trim()).toMatch(/^\d+\.\d+\.\d+/);
    });
  });

  it("is told by the program what it needs when Node is too old, even by one that reads no newer syntax", async () => {
    for (const version of ["12", "20"]) {
      const output = await execute(
        await nodeOf(version),
        [path.join(project, "node_modules/trainer-sdk/dist/cli/bin.cjs"), "dev"],
        project,
      );
      expect(output.code).toBe(1);
      expect(output.stderr).toContain("22.19");
      expect(output.stderr).toMatch(new RegExp(`v?${version}\\.\\d+\\.\\d+`));
    }
  });

  it("got what belongs to it and nothing else", () => {
    expect(files).toEqual(
      expect.arrayContaining([
        "package.json",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "dist/index.js",
        "dist/index.cjs",
        "dist/index.d.ts",
        "dist/index.d.cts",
        "dist/dashboard/index.html",
        "dist/THIRD-PARTY-LICENSES.txt",
      ]),
    );
    expect(
      files.filter(
        (file) => !/^(package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/.*\.(c?js|d\.c?ts|map|html|css|txt|svg))$/.test(file),
      ),
    ).toEqual([]);
  });

  it("stays within its budget", () => {
    console.log(`the package weighs ${(unpackedBytes / 1024 / 1024).toFixed(1)} MiB unpacked`);
    expect(unpackedBytes).toBeLessThanOrEqual(MAX_UNPACKED_BYTES);
  });
});
