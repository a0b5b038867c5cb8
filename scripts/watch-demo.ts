/** Looks at a demo from outside, as whoever started it would: by its server's API, and by its page in a browser. */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerEnvironment } from "../examples/mnist/child-processes.ts";
import { ServerReader } from "../examples/mnist/server-reader.ts";

const POLL_MS = 100;

/** A scalar that could be read. */
export interface FirstScalar {
  readonly taskId: string;
  /** `<title>/<series>`. */
  readonly line: string;
}

/**
 * Resolves when a scalar of a task can be read at the server.
 *
 * @param webUrl Address of the dashboard.
 * @throws The signal's reason, with what was last in the way as its cause.
 */
export async function firstScalar(webUrl: string, signal: AbortSignal): Promise<FirstScalar> {
  let reader: ServerReader | undefined;
  let inTheWay: unknown;
  while (!signal.aborted) {
    try {
      reader ??= new ServerReader(await serverEnvironment(webUrl, signal));
      for (const { id } of await reader.tasks()) {
        const found = [...(await reader.scalars(id))].find(([, { x }]) => x.length > 0);
        if (found) return { taskId: id, line: found[0] };
      }
    } catch (error) {
      inTheWay = error;
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
  throw new Error("No scalar could be read at the server in time.", { cause: inTheWay ?? signal.reason });
}

/** Where a browser is, if there is one: `CHROMIUM`, else where Debian has it. */
export function chromiumPath(): string | undefined {
  const path = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
  return existsSync(path) ? path : undefined;
}

/**
 * Opens the task's page in a browser without a window and resolves when a chart on it has ink.
 *
 * @throws Error when there was none in time.
 */
export async function chartDrawn(webUrl: string, taskId: string, executablePath: string, timeoutMs: number): Promise<void> {
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"] });
  try {
    const page = await browser.newPage();
    await page.goto(`${webUrl}/projects/*/tasks/${taskId}/output/metrics/scalar`, { timeout: timeoutMs });
    const endsAt = performance.now() + timeoutMs;
    // Asked from here: the page's own rules let nobody wait inside of it.
    while (!(await page.evaluate<boolean>(HAS_INK))) {
      if (performance.now() >= endsAt) throw new Error(`No chart was drawn at ${page.url()} within ${String(timeoutMs)} ms.`);
      await sleep(POLL_MS);
    }
  } finally {
    await browser.close();
  }
}

/** Run in the page, so a text: a canvas of a chart on which something is drawn. */
const HAS_INK = `[...document.querySelectorAll("figure[data-metric] canvas")].some((canvas) =>
  canvas.width > 0 &&
  canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value !== 0))`;

/** What the server tells its own page: its addresses and keys. */
async function serverEnvironment(webUrl: string, signal: AbortSignal): Promise<ServerEnvironment> {
  const answer = await fetch(`${webUrl}/env.json`, { signal });
  if (!answer.ok) throw new Error(`${webUrl}/env.json answered ${String(answer.status)}`);
  return ((await answer.json()) as { env: ServerEnvironment }).env;
}
