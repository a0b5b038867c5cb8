/** The trainer's resource monitor: from the start of the run to its end, into the run's own journal. */
import { ResourceMonitor } from "../observe/resource-monitor.js";
import type { GivenOptions } from "./options.js";
import type { Run } from "./run.js";

/** A silent rank is not watched, and a start that says nothing itself has nothing said of its machine either. */
export function watchMachine(run: Run, asked: NonNullable<GivenOptions["resourceMonitor"]>): void {
  if (asked === false || run.parts.outbox === undefined) return;
  const { clock, logger } = run.parts;
  const monitor = new ResourceMonitor(
    {
      iteration: () => run.lastIteration,
      isOpen: () => run.hasSpoken && run.shut === undefined,
      // The least dear of all that is kept: a full disk gives it up first, with the console.
      report: (readings, iteration) => run.append({ kind: "resources", iteration, readings }, { shed: "console" }),
    },
    { ...(asked === true ? {} : asked), clock, logger },
  );
  run.beforeShut(() => {
    monitor.stop();
  });
}
