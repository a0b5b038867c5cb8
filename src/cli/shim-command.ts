/**
 * `trainer-sdk shim`: for platforms that start every image as `python train.py`. Writes that script, and for images without
 * Python a stand-in for the interpreter. Both become Node by `exec`, so signals, exit code and output are the trainer's own.
 */
import { mkdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { describeFileError } from "../storage/file-errors.js";
import { EXIT, type ExitCode, type Terminal } from "./terminal.js";

/** Options as the command line gives them. */
export interface ShimOptions {
  /** The script's name; default `train.py`. */
  readonly as: string;
  /** Where the script goes; default the working directory. */
  readonly out: string;
  /** Where an executable `python` goes; absent: the image has a Python. */
  readonly python?: string;
  readonly force?: boolean;
}

/** Writes the files. 1 when one of them is there already, 2 for an entry that is not there or cannot be named in them. */
export async function runShim(entry: string, options: ShimOptions, terminal: Terminal): Promise<ExitCode> {
  // It stands between quotes in Python and in a pattern of sed.
  if (!/^[\w./@+=-]+$/.test(entry) || entry.startsWith("-")) {
    terminal.error(
      `trainer-sdk shim: ${JSON.stringify(entry)} cannot be named in a script; use letters, digits, dots, slashes and hyphens.\n`,
    );
    return EXIT.usage;
  }
  // Wrong here is wrong in a container later, where all that is seen of it is a pod that fails.
  const program = path.resolve(path.dirname(path.join(options.out, options.as)), entry);
  const found = await stat(program).catch((error: unknown) => describeFileError(error));
  if (typeof found === "string" || !found.isFile()) {
    terminal.error(
      `trainer-sdk shim: ${program} ${typeof found === "string" ? `cannot be started: ${found}` : "is no file"}. Name the trainer's program, as seen from the script, and build or copy it first.\n`,
    );
    return EXIT.usage;
  }
  const files = [{ file: path.join(options.out, options.as), text: scriptText(entry), mode: 0o755 }];
  if (options.python !== undefined) files.push({ file: path.join(options.python, "python"), text: INTERPRETER, mode: 0o755 });
  for (const { file, text, mode } of files) {
    await mkdir(path.dirname(file), { recursive: true });
    try {
      await writeFile(file, text, { mode, flag: options.force === true ? "w" : "wx" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      terminal.error(`trainer-sdk shim: ${file} is there already; --force writes over it.\n`);
      return EXIT.failed;
    }
    terminal.out(`${file}\n`);
  }
  return EXIT.ok;
}

function scriptText(entry: string): string {
  return `#!/usr/bin/env python3
# Written by \`trainer-sdk shim\`: starts a Node trainer where "python train.py" is what is started.
# The process becomes Node, so signals, exit code and output are the trainer's own.
import os
import sys

ENTRY = "${entry}"

if __name__ == "__main__":
    entry = os.path.join(os.path.dirname(os.path.abspath(__file__)), ENTRY)
    try:
        os.execvp("node", ["node", entry, *sys.argv[1:]])
    except OSError as error:
        print(f"{__file__}: node cannot be started: {error}", file=sys.stderr)
        sys.exit(127)
`;
}

const INTERPRETER = `#!/bin/sh
# Written by \`trainer-sdk shim\`: stands in for Python in an image without it. Starts the Node trainer that the script names.
script=$1
[ "$#" -gt 0 ] && shift
entry=$(sed -n 's/^ENTRY = "\\(.*\\)"$/\\1/p' "$script" 2>/dev/null)
if [ -z "$entry" ]; then
  echo "python (a stand-in by trainer-sdk shim): '$script' is no script of trainer-sdk shim" >&2
  exit 127
fi
case $entry in
/*) ;;
*) entry=$(dirname "$script")/$entry ;;
esac
exec node "$entry" "$@"
`;
