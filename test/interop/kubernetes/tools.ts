/**
 * What the suite needs beyond npm: Kubernetes' own control plane, compiled from its Go module. That takes many minutes and
 * some 3 GB the first time, so the suite runs only when it is named: `npm run test:interop -- kubernetes`.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const SOURCES = fileURLToPath(new URL("control-plane", import.meta.url));
const CACHE = fileURLToPath(new URL("../../../.cache/interop/kubernetes", import.meta.url));

/** Not among the suites that run when none is named. */
export const onlyWhenNamed = true;

/** The program; compiles it when these sources were not compiled yet. */
export async function controlPlaneProgram(tell: (message: string) => void = () => undefined): Promise<string> {
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum", "main.go"]) hash.update(await readFile(path.join(SOURCES, file)));
  const program = path.join(CACHE, `control-plane-${hash.digest("hex").slice(0, 12)}`);
  const isThere = await access(program).then(
    () => true,
    () => false,
  );
  if (isThere) return program;
  tell("Compiling Kubernetes' control plane ...");
  await mkdir(CACHE, { recursive: true });
  await run("go", ["build", "-ldflags=-s -w", "-buildvcs=false", "-o", program, "."], { cwd: SOURCES });
  return program;
}

/** Installs all that is missing. */
export async function installTools(tell: (message: string) => void): Promise<void> {
  await controlPlaneProgram(tell);
}
