/** A process table in which the test decides who lives, so that one process can play many. */
import type { ProcessTable } from "../../src/base/folder-lock.js";

/** Each call plays another process of the same machine; those before it are dead unless named as alive. */
export function aProcess(
  pid: number,
  options: {
    readonly host?: string;
    readonly bootId?: string;
    readonly startedAt?: string;
    readonly alive?: Readonly<Record<number, string>>;
  } = {},
): ProcessTable {
  const { host = "host", bootId = "boot", startedAt = `start of ${String(pid)}`, alive = {} } = options;
  return { pid, host, bootId, startedAt: (asked) => (asked === pid ? startedAt : alive[asked]) };
}
