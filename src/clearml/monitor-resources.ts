/** `monitorResources`: the machine's load on a task's charts, for whoever has a logger and no trainer's option. */
import { ResourceMonitor, type ResourceMonitorOptions } from "../observe/resource-monitor.js";
import { MONITOR_GPU, MONITOR_MACHINE } from "../protocol/clearml/limits.js";
import type { Logger } from "./logger.js";

/** A watch that is under way. */
export interface WatchedResources extends Disposable {
  /** Ends the watch. */
  stop(): void;
}

/**
 * From now on the machine's load is reported every thirty seconds, as ClearML's own client does it: at the iteration that was
 * reported last, or at the seconds since the start while there is none. Its timers do not keep the process alive.
 */
export function monitorResources(
  logger: Pick<Logger, "reportScalar" | "lastIteration">,
  options: ResourceMonitorOptions = {},
): WatchedResources {
  const monitor = new ResourceMonitor(
    {
      iteration: () => logger.lastIteration,
      isOpen: () => true,
      report: (readings, iteration) => {
        for (const [series, value] of Object.entries(readings))
          logger.reportScalar({ title: series.startsWith("gpu_") ? MONITOR_GPU : MONITOR_MACHINE, series, value, iteration });
      },
    },
    options,
  );
  const stop = (): void => {
    monitor.stop();
  };
  return { stop, [Symbol.dispose]: stop };
}
