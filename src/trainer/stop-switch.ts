/** The wish to stop, from whoever has it, as one signal. */
import { describeError, StopRequestedError, type StopSource } from "../base/errors.js";
import type { TrainerEmitter } from "./events.js";

export interface StopSwitch {
  readonly signal: AbortSignal;
  readonly request: (source: StopSource, reason: string) => void;
  /** Listens to the caller's own signal no longer. */
  readonly release: () => void;
}

/** One abort for all who may ask. The first wish is the reason; later ones change nothing. */
export function stopSwitch(outer: AbortSignal | undefined, emitter: TrainerEmitter): StopSwitch {
  const controller = new AbortController();
  const request = (source: StopSource, reason: string): void => {
    if (controller.signal.aborted) return;
    const wish = new StopRequestedError(source, reason);
    controller.abort(wish);
    emitter.emit("stop", wish);
  };
  const onOuter = (): void => {
    request("caller", describeError(outer?.reason));
  };
  if (outer?.aborted) onOuter();
  else outer?.addEventListener("abort", onOuter, { once: true });
  return {
    signal: controller.signal,
    request,
    release: () => {
      outer?.removeEventListener("abort", onOuter);
    },
  };
}
