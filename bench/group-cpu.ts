/** Processor time of a server that works in several processes, as Linux counts it. */
import { readdir, readFile } from "node:fs/promises";

/** Of `/proc/<pid>/stat`, behind the name: the group, then utime, stime, and those of children that have ended. See proc(5). */
const GROUP_FIELD = 2;
const FIRST_TIME_FIELD = 11;
const TIME_FIELDS = 4;
/** `sysconf(_SC_CLK_TCK)`, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Seconds that the processes of a group have used so far. 0 where there is no `/proc`. */
export async function groupCpuSeconds(groupId: number): Promise<number> {
  const names = await readdir("/proc").catch(() => []);
  const ticks = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map((name) => ticksOf(name, groupId)));
  return ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND;
}

async function ticksOf(processId: string, groupId: number): Promise<number> {
  // One that has ended meanwhile has no file.
  const text = await readFile(`/proc/${processId}/stat`, "utf8").catch(() => "");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  if (Number(fields[GROUP_FIELD]) !== groupId) return 0;
  return fields.slice(FIRST_TIME_FIELD, FIRST_TIME_FIELD + TIME_FIELDS).reduce((sum, each) => sum + Number(each), 0);
}
