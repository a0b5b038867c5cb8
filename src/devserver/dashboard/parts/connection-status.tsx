/** Whether what is on the screen is current: a small mark always, a banner when the server is gone. */
import { useEffect, useState } from "preact/hooks";
import type { FeedState } from "../data/live-feed.js";
import { useFeedState } from "../data/use-resource.js";

const WORDS: Readonly<Record<FeedState, string>> = {
  connecting: "Connecting",
  live: "Live",
  polling: "Polling",
  gone: "Offline",
};

export function ConnectionMark() {
  const state = useFeedState();
  return (
    <span class="connection" data-state={state} role="status">
      {WORDS[state]}
    </span>
  );
}

export function ConnectionBanner() {
  const state = useFeedState();
  const [since, setSince] = useState<Date | undefined>(undefined);
  useEffect(() => {
    setSince(state === "gone" ? new Date() : undefined);
  }, [state]);
  if (state !== "gone") return null;
  return (
    <div class="banner" role="alert">
      <strong>The server does not answer.</strong> What you see is as of {(since ?? new Date()).toLocaleTimeString("en-GB")}. Start it again
      with <code>trainer-sdk dev</code>; this page reconnects by itself.
    </div>
  );
}
