/** A manager whose code is loaded at its first call: a worker pays for the place that its trainers run in, and for no other. */
import type { TrainingManager } from "./training-manager.js";

/** What a manager says of itself before it is asked for anything. */
type ManagerFacts = Pick<TrainingManager, "backend" | "hostBound" | "leaseMs" | "stopMarginMs" | "host">;

/** What is asked of it. */
export type TrainingCalls = Omit<TrainingManager, keyof ManagerFacts>;

export function lazyManager(facts: ManagerFacts, load: () => Promise<TrainingCalls>): TrainingManager {
  let loading: Promise<TrainingCalls> | undefined;
  const manager = (): Promise<TrainingCalls> =>
    (loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    }));
  return {
    ...facts,
    find: async (key, call) => (await manager()).find(key, call),
    start: async (request, call) => (await manager()).start(request, call),
    wait: async (handle, call) => (await manager()).wait(handle, call),
    stop: async (handle, call) => (await manager()).stop(handle, call),
    logTail: async (handle, call) => (await manager()).logTail(handle, call),
    async *list(call) {
      yield* (await manager()).list(call);
    },
    forget: async (handle, call) => (await manager()).forget(handle, call),
  };
}
