/** What is said of a running program: from a real git repository, and from lock files as their managers write them. */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { detectScript } from "../../../src/clearml/index.js";

let root: string;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "script-")));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

function git(...args: readonly string[]): void {
  const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"];
  execFileSync("git", [...identity, ...args], { cwd: root, stdio: "pipe" });
}

async function repository(remote?: string): Promise<{ readonly entryPath: string; readonly workingDir: string }> {
  git("init", "-q");
  await mkdir(join(root, "src", "deep"), { recursive: true });
  const entryPath = join(root, "src", "deep", "train.ts");
  await writeFile(entryPath, "one\n");
  git("add", ".");
  git("commit", "-qm", "first");
  if (remote !== undefined) git("remote", "add", "origin", remote);
  return { entryPath, workingDir: join(root, "src") };
}

describe("a program in a repository", () => {
  it("is told by address without password, branch, commit, place and what is not committed", async () => {
    const place = await repository("https://me:s3cr%40t@git.example.com/team/repo.git");
    await writeFile(place.entryPath, "two\n");
    const script = await detectScript(place);
    expect(script).toMatchObject({
      repository: "https://git.example.com/team/repo.git",
      branch: "main",
      workingDir: "src",
      entryPoint: "deep/train.ts",
      binary: "node",
    });
    expect(script.commit).toMatch(/^[0-9a-f]{40}$/);
    expect(script.diff).toMatch(/-one\n\+two\n$/);
    expect(JSON.stringify(script)).not.toMatch(/s3cr/);
  });

  it("without a remote, on no branch, or with changes past all measure has what it has", async () => {
    const place = await repository();
    git("checkout", "-q", "--detach");
    await writeFile(place.entryPath, "x".repeat(600_000));
    const script = await detectScript({ ...place, workingDir: tmpdir() });
    expect(script).toMatchObject({ repository: "", branch: "", workingDir: ".", entryPoint: "src/deep/train.ts" });
    expect(script.diff).toMatch(/^# The changes since the commit have \d+ bytes and were left out/);
  });

  it("is written for ClearML's agent as a shell's command", async () => {
    const place = await repository("git@github.com:team/repo.git");
    await writeFile(join(root, "package-lock.json"), JSON.stringify({ lockfileVersion: 3, packages: { "": {} } }));
    expect(await detectScript({ ...place, workingDir: root, forAgent: true })).toMatchObject({
      repository: "git@github.com:team/repo.git",
      workingDir: ".",
      binary: "/bin/bash",
      entryPoint: '-c "npm ci && node src/deep/train.ts"',
    });
  });
});

it("a program outside of any repository has its place and no more", async () => {
  await writeFile(join(root, "train.js"), "");
  expect(await detectScript({ entryPath: join(root, "train.js"), workingDir: root })).toEqual({
    ...{ repository: "", branch: "", commit: "", diff: "", workingDir: ".", entryPoint: "train.js", binary: "node" },
  });
});

it("an abort ends the looking", async () => {
  const place = await repository();
  await expect(detectScript({ ...place, signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
});

it("the packages are those of the nearest lock file", async () => {
  await mkdir(join(root, "packages", "a"), { recursive: true });
  const lock = {
    lockfileVersion: 3,
    packages: {
      "": { dependencies: { zod: "^4", undici: "^8" }, devDependencies: { vitest: "^5" } },
      "node_modules/zod": { version: "4.6.7" },
      "node_modules/undici": { version: "8.13.1" },
      "node_modules/vitest": { version: "5.1.1" },
    },
  };
  await writeFile(join(root, "package-lock.json"), JSON.stringify(lock));
  const { requirements } = await detectScript({ entryPath: join(root, "packages", "a", "train.ts"), workingDir: root });
  expect(requirements).toEqual({ npm: "undici@8.13.1\nzod@4.6.7\n" });
});
