/**
 * What we are compared with, from the registries by their ordinary clients, into `.cache/bench`: Python's official ClearML
 * client, boto3 and the AWS CLI in a virtual environment, s5cmd and an S3 server by `go build`. What cannot be
 * installed is left out, and the rows say so.
 */
import { access } from "node:fs/promises";
import path from "node:path";
import type { Workplace } from "../workplace.ts";

const PYTHON_PACKAGES = ["clearml", "boto3", "awscli"];
const GO_PROGRAMS = {
  s5cmd: { module: "github.com/peak/s5cmd/v2@v2.3.0", program: "github.com/peak/s5cmd/v2" },
  versitygw: { module: "github.com/versity/versitygw@v1.8.0", program: "github.com/versity/versitygw/cmd/versitygw" },
} as const;

/** Where a tool lies once it is installed. */
export function toolPath(workplace: Workplace, name: "python" | "aws" | keyof typeof GO_PROGRAMS): string {
  const folder = name === "python" || name === "aws" ? path.join("venv", "bin") : "bin";
  return path.join(workplace.tools, folder, name);
}

export async function isInstalled(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Installs what is missing. Never throws. */
export async function installPeers(workplace: Workplace, progress: (message: string) => void): Promise<void> {
  const attempt = async (name: string, work: () => Promise<void>): Promise<void> => {
    progress(`Installing ${name} into .cache/bench ...`);
    await work().catch((error: unknown) => progress(`  without ${name}: ${error instanceof Error ? error.message : String(error)}`));
  };
  const venv = path.join(workplace.tools, "venv");
  if (!(await isInstalled(path.join(venv, "installed")))) {
    await attempt(PYTHON_PACKAGES.join(", "), async () => {
      await workplace.exec("python3", ["-m", "venv", venv], inherited());
      await workplace.exec(path.join(venv, "bin", "pip"), ["install", "--quiet", ...PYTHON_PACKAGES], inherited());
      await workplace.exec("touch", [path.join(venv, "installed")]);
    });
  }
  for (const [name, { module, program }] of Object.entries(GO_PROGRAMS)) {
    if (await isInstalled(path.join(workplace.tools, "bin", name))) continue;
    await attempt(name, async () => {
      // As a module of its own: `go install` asks for the list of releases too, which not every proxy has.
      const folder = await workplace.freshFolder(name);
      const go = (...args: string[]): Promise<unknown> =>
        workplace.exec("go", ["-C", folder, ...args], { ...inherited(), GOFLAGS: "-mod=mod" });
      await go("mod", "init", "peers");
      await go("mod", "edit", `-require=${module}`);
      await go("build", "-o", path.join(workplace.tools, "bin", name), program);
    });
  }
}

/** Package clients find their registry by the caller's own environment. */
function inherited(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
