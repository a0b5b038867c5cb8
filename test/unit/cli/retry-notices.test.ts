import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { retryNotices } from "../../../src/cli/retry-notices.js";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it("says at once why a call is tried again and for how long, then every ten seconds, and nothing else that a client tells", () => {
  const said: string[] = [];
  const logger = retryNotices((text) => said.push(text), 300_000);
  logger.debug("logged in", { apiHost: "http://localhost:8008" });
  logger.warn("a chart has too many points");
  logger.debug("a call failed", { delayMs: 250, reason: "No answer to GET http://localhost:8008/." });
  logger.debug("a call failed", { delayMs: 250, reason: "No answer to GET http://localhost:8008/ again." });
  vi.advanceTimersByTime(10_000);
  logger.debug("a call failed", { delayMs: 8000, reason: "HTTP 503." });
  expect(said).toEqual([
    "No answer to GET http://localhost:8008/. Trying again, for up to 5 min.",
    "HTTP 503. Trying again, for up to 5 min.",
  ]);
});
