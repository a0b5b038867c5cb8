/**
 * Python packages at pinned versions, in a virtual environment of their own below `.cache`, by Python's ordinary clients.
 * Kept between runs for as long as it holds what is asked for. Touches no Python outside of its folder.
 */
import { execFile } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const CACHE = path.join(fileURLToPath(new URL("..", import.meta.url)), ".cache");
/** Says which of the given packages are there in just the given version; fails at the first that is not. */
const CHECK = "import sys, importlib.metadata as m\nfor p in sys.argv[1:]:\n  n, v = p.split('==')\n  assert m.version(n) == v";
const OUTPUT_BYTES = 64 * 1024 ** 2;

/**
 * The environment's interpreter, made and filled first when it is missing or holds something else.
 * @param place below `.cache`, such as `interop/clearml-2.1`
 * @param packages each `name==version`
 */
export async function pythonWith(place: string, packages: readonly string[], tell: (message: string) => void): Promise<string> {
  const venv = path.join(CACHE, place);
  const python = path.join(venv, "bin", "python");
  const isComplete = await run(python, ["-c", CHECK, ...packages]).then(
    () => true,
    () => false,
  );
  if (isComplete) return python;
  tell(`Installing ${packages.join(", ")} ...`);
  await run("python3", ["-m", "venv", "--clear", venv]);
  await run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages], { maxBuffer: OUTPUT_BYTES });
  return python;
}
