/**
 * What was run, and from which commit: the git repository around a program, its entry point, what was changed and not
 * committed, and the packages that its lock file pins (`clearml-protocol`, 3.13). Runs `git` and nothing else; a machine
 * without it has a script without a repository. No credentials leave the machine in an address.
 */
import { execFile } from "node:child_process";
import { realpath } from "node:fs/promises";
import { basename, dirname, relative, resolve, sep } from "node:path";
import { promisify } from "node:util";
import { lockedPackages } from "./locked-packages.js";

/** Code and packages of a task. An absent field is left as it is. */
export interface TaskScript {
  /** Address of the repository. User and password in it are taken out. */
  readonly repository?: string | undefined;
  readonly branch?: string | undefined;
  readonly commit?: string | undefined;
  /** What to apply on top of the commit; without a repository, the program's whole text. */
  readonly diff?: string | undefined;
  /** Relative to the repository's root; `.` for the root. */
  readonly workingDir?: string | undefined;
  /** Relative to `workingDir`. */
  readonly entryPoint?: string | undefined;
  /** What runs the entry point. ClearML's agent knows Python and shells. */
  readonly binary?: string | undefined;
  /** Packages by manager, one `name@version` a line; `pip` is what ClearML's agent installs. */
  readonly requirements?: Readonly<Record<string, string>> | undefined;
}

export interface DetectScriptOptions {
  /** Default: the program that was started. */
  readonly entryPath?: string | undefined;
  /** Default: the working directory. */
  readonly workingDir?: string | undefined;
  /**
   * Written so that ClearML's agent can run it, which starts nothing but Python and shells: by `/bin/bash`, with the
   * packages installed before. Default false: as it was run here.
   */
  readonly forAgent?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Longer changes are left out, and said to be: the whole task is read at every look. */
const MAX_DIFF_BYTES = 500_000;
const GIT_TIMEOUT_MS = 30_000;

/** Looks around a program. @throws the signal's reason. */
export async function detectScript(options: DetectScriptOptions = {}): Promise<TaskScript> {
  const entryPath = options.entryPath ?? process.argv[1];
  const cwd = await realPathOf(resolve(options.workingDir ?? "."));
  const entry = entryPath === undefined ? undefined : await realPathOf(resolve(entryPath));
  const git = (...args: readonly string[]): Promise<string | undefined> =>
    runGit(entry === undefined ? cwd : dirname(entry), args, options.signal);
  const root = await git("rev-parse", "--show-toplevel");
  const [remote, commit, branch, changes, locked] = await Promise.all([
    root === undefined ? undefined : git("ls-remote", "--get-url"),
    root === undefined ? undefined : git("rev-parse", "HEAD"),
    root === undefined ? undefined : git("rev-parse", "--abbrev-ref", "HEAD"),
    root === undefined ? undefined : git("diff", "--submodule=diff", "HEAD"),
    lockedPackages(entry === undefined ? cwd : dirname(entry)),
  ]);
  // Started from outside of its repository, a program is run from the repository's root.
  const base = root !== undefined && !isWithin(root, cwd) ? root : cwd;
  const entryPoint = entry === undefined ? undefined : slashes(relative(base, entry));
  // Without a remote `git` answers the remote's name.
  const repository = remote !== undefined && /[/:\\]/.test(remote) ? withoutCredentials(remote) : undefined;
  const command = entryPoint === undefined ? undefined : `node ${shellWord(entryPoint)}`;
  const install =
    locked?.manager === "pnpm" ? "pnpm install --frozen-lockfile" : locked?.manager === "yarn" ? "yarn install --immutable" : "npm ci";
  return {
    repository: repository ?? "",
    branch: branch === undefined || branch === "HEAD" ? "" : branch,
    commit: commit ?? "",
    diff: boundedDiff(changes ?? ""),
    workingDir: root === undefined ? "." : slashes(relative(root, base)) || ".",
    ...(options.forAgent === true && command !== undefined
      ? { binary: "/bin/bash", entryPoint: `-c ${JSON.stringify(locked ? `${install} && ${command}` : command)}` }
      : { binary: "node", entryPoint: entryPoint ?? (entryPath === undefined ? "" : basename(entryPath)) }),
    ...(locked ? { requirements: { [locked.manager]: `${locked.packages.join("\n")}\n` } } : {}),
  };
}

/** The address of a repository without user, password, query and fragment. Of `git@host:path` the user stays: it is no secret. */
export function withoutCredentials(address: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(address.trim());
  if (!scheme) return address.trim();
  const rest = address.trim().slice(scheme[0].length);
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? "";
  // A password may hold a slash that nobody quoted: then what looks like a host has a port that is no number.
  const end = authority.includes("@") ? authority.lastIndexOf("@") : /:(?!\d*$)/.test(authority) ? rest.lastIndexOf("@") : -1;
  const user = /ssh/i.test(scheme[1] ?? "") ? /^[A-Za-z0-9._-]+/.exec(rest.slice(0, Math.max(end, 0)))?.[0] : undefined;
  return `${scheme[0]}${user === undefined ? "" : `${user}@`}${rest.slice(end + 1).replace(/[?#].*$/s, "")}`;
}

function boundedDiff(diff: string): string {
  const bytes = Buffer.byteLength(diff);
  return bytes <= MAX_DIFF_BYTES
    ? diff
    : `# The changes since the commit have ${String(bytes)} bytes and were left out (limit ${String(MAX_DIFF_BYTES)}).\n`;
}

async function runGit(cwd: string, args: readonly string[], signal: AbortSignal | undefined): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)("git", args, {
      cwd,
      ...(signal ? { signal } : {}),
      timeout: GIT_TIMEOUT_MS,
      maxBuffer: 64 * 1024 * 1024,
      windowsHide: true,
      // Nobody is there to type a password or to leave a pager.
      env: { ...process.env, GIT_TERMINAL_PROMPT: "0", GIT_OPTIONAL_LOCKS: "0", GIT_PAGER: "cat" },
    });
    // Of a diff every space counts, but for the line's end that git itself adds.
    return args[0] === "diff" ? stdout : stdout.trim();
  } catch {
    signal?.throwIfAborted();
    // No git, no repository, no commit yet, no rights: there is nothing to tell.
    return undefined;
  }
}

async function realPathOf(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

function isWithin(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

function slashes(path: string): string {
  return path.split(sep).join("/");
}

function shellWord(text: string): string {
  return /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
