/** Hooks that read from the server once, and again whenever the news says that what they read has changed. */
import { createContext } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import type { Change, FeedState, LiveFeed } from "./live-feed.js";

/** The page's one feed; the entry provides it. */
export const FeedContext = createContext<LiveFeed | undefined>(undefined);

/** What a read has given so far. A failed re-read keeps the last good value beside the error. */
export interface Resource<T> {
  readonly value: T | undefined;
  readonly error: Error | undefined;
}

/** Shortest time between the end of one read and the start of the next, however much news comes in. */
const REREAD_GAP_MS = 350;

/**
 * Reads with `load` at first, when `key` changes, and after every change that `concerns` says yes to. Reads never
 * overlap; news that comes during a read leads to exactly one more. `load` gets the last value, to read only what is new.
 */
export function useResource<T>(
  key: string,
  load: (signal: AbortSignal, previous: T | undefined) => Promise<T>,
  concerns: (change: Change) => boolean,
): Resource<T> {
  const feed = useFeed();
  const [state, setState] = useState<Resource<T> & { readonly key: string }>({ key, value: undefined, error: undefined });
  const latest = useRef({ load, concerns });
  latest.current = { load, concerns };

  useEffect(() => {
    const abort = new AbortController();
    let value: T | undefined;
    let reading = false;
    let stale = false;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const read = async (): Promise<void> => {
      reading = true;
      stale = false;
      try {
        value = await latest.current.load(abort.signal, value);
        if (!abort.signal.aborted) setState({ key, value, error: undefined });
      } catch (error) {
        if (!abort.signal.aborted) setState({ key, value, error: error instanceof Error ? error : new Error(String(error)) });
      }
      if (abort.signal.aborted) return;
      timer = setTimeout(() => {
        reading = false;
        if (stale) void read();
      }, REREAD_GAP_MS);
    };

    const unsubscribe = feed.onChange((change) => {
      if (change.kind !== "any" && !latest.current.concerns(change)) return;
      if (reading) stale = true;
      else void read();
    });
    void read();
    return () => {
      abort.abort();
      unsubscribe();
      clearTimeout(timer);
    };
  }, [key, feed]);

  // State of an earlier key must not flash up under the new one.
  return state.key === key ? state : { value: undefined, error: undefined };
}

function useFeed(): LiveFeed {
  const feed = useContext(FeedContext);
  if (!feed) throw new Error("FeedContext is missing above this component.");
  return feed;
}

/** The connection's state, kept current. */
export function useFeedState(): FeedState {
  const feed = useFeed();
  const [state, setState] = useState(feed.state);
  useEffect(() => feed.onState(setState), [feed]);
  return state;
}

/** The time now, renewed every `everyMs`, so that ages on the screen grow. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now());
    }, everyMs);
    return () => {
      clearInterval(timer);
    };
  }, [everyMs]);
  return now;
}
