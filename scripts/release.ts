/** `npm run release:check`, and before every `npm publish`: says what stands between this checkout and its publication. */
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { releaseProblems, type ReleaseFacts } from "./release-problems.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const problems = releaseProblems({
  manifest: JSON.parse(await readFile(`${root}package.json`, "utf8")) as ReleaseFacts["manifest"],
  changelog: await readFile(`${root}CHANGELOG.md`, "utf8"),
  tags: git("tag", "--points-at", "HEAD"),
  changedFiles: git("status", "--porcelain").map((line) => line.replace(/^\S+ /, "")),
});
for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error("\nNothing was published. docs/how-to/release.md has the steps.");
  process.exitCode = 1;
} else console.log("This checkout may be published.");

function git(...parameters: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync("git", parameters, { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`git ${parameters.join(" ")} failed: ${stderr}`);
  return stdout
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
