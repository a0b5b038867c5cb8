import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { execute, installProject, pack, projectRoot, temporaryFolder } from "./archive.js";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let project: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  const { archive } = await pack(folder.path);
  project = await installProject("types", folder.path, archive, ["@types/node", "msw", "@mswjs/interceptors"]);
});
afterAll(() => folder.remove());

describe("the types of the archive", () => {
  it.each(["node16", "node16.testing", "nodenext", "nodenext.testing", "bundler", "bundler.testing"])(
    "hold in ES modules and CommonJS with tsconfig.%s.json",
    async (resolution) => {
      const compiler = path.join(projectRoot, "node_modules/typescript/bin/tsc");
      const output = await execute(process.execPath, [compiler, "-p", `tsconfig.${resolution}.json`], project);
      expect(output.stdout).toBe("");
      expect(output.code).toBe(0);
    },
  );
});
