/**
 * A trainer for tests of managers: says in a ledger that it began, how it was told to stop, and that it ended. `MODE` says
 * what it does: `complete`, `exit:<code>`, `kill:<signal>`, `wait` (ends well on SIGTERM), `deaf` (does not), `oom`,
 * `family` (deaf, with a child that is deaf too), `hoard:<MiB>` (takes so much memory, and ends when `GATE` is there),
 * `hoards:<MiB>` (so much in each of two processes).
 */
import { spawn } from "node:child_process";
import { setInterval } from "node:timers";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";

const { MODE = "complete", LEDGER = "", MEMORY_EVENTS = "", GATE = "", SECRET = "" } = process.env;
const fence = process.env.TRAINER_FENCE ?? "-";
const note = (what) => appendFileSync(LEDGER, `${fence} ${what} ${process.pid}\n`);
const [kind, argument = ""] = MODE.split(":");

process.on("SIGTERM", () => {
  note("told");
  if (kind !== "wait") return;
  note("ended");
  process.exit(143);
});
note("began");
console.log(`mode ${kind}, secret of ${SECRET.length} characters`);
console.log("first line\nlast line");
const hold = () => setInterval(() => undefined, 1000);

switch (kind) {
  case "exit":
    note("ended");
    process.exitCode = Number(argument);
    break;
  case "kill":
    note("ended");
    process.kill(process.pid, argument);
    hold();
    break;
  case "oom": {
    // What the kernel does: it counts, and it kills.
    const count = Number(/^oom_kill (\d+)$/m.exec(readFileSync(MEMORY_EVENTS, "utf8"))?.[1]);
    writeFileSync(MEMORY_EVENTS, `low 0\noom 1\noom_kill ${count + 1}\n`);
    process.kill(process.pid, "SIGKILL");
    break;
  }
  case "family":
    spawn(process.execPath, [process.argv[1]], { env: { ...process.env, MODE: "deaf" }, stdio: "ignore" });
    hold();
    break;
  case "hoards":
    spawn(process.execPath, [process.argv[1]], { env: { ...process.env, MODE: `hoard:${argument}` }, stdio: "ignore" });
  // falls through
  case "hoard": {
    const hoard = Array.from({ length: Number(argument) }, () => Buffer.alloc(1024 * 1024, 1));
    note("hoarded");
    setInterval(() => {
      if (!existsSync(GATE)) return;
      note(`ended-with-${hoard.length}`);
      process.exit(0);
    }, 20);
    break;
  }
  case "wait":
  case "deaf":
    hold();
    break;
  default:
    note("ended");
}
