/**
 * The page of a verification as a reader opens it, from a file and with no server behind it: with thousands of runs, light and dark,
 * wide and on a phone, with names that are markup.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verificationPage, type VerificationReport } from "../../src/migrate/index.js";
import { hasChromium, launchBrowser } from "./dashboard-world.js";

const RUNS = 5000;
const NASTY = `</script><img src=x onerror="document.title='broken'"> & "quotes" '${"x".repeat(90)}'`;

let browser: Browser;
let folder: string;

function aReport(more: Partial<VerificationReport> = {}): VerificationReport {
  const runs = Array.from({ length: RUNS }, (_, at) => ({
    runId: at.toString(16).padStart(32, "0"),
    name: at === 7 ? NASTY : `job-${String(at)}`,
    experimentId: "1",
    taskId: at === 7 ? undefined : `task${String(at).padStart(28, "0")}`,
    ...{ values: 30, points: 2000, collapsed: 1, notChartable: 2, files: 3, fileBytes: 1_000_000, linkedFiles: 0 },
    differences: at === 7 ? 2 : 0,
    isReported: at === 9,
  }));
  const difference = { runId: runs[7]?.runId, what: `parameter ${NASTY}`, inMlflow: "0.1\n0.2", inClearML: NASTY };
  return {
    ...{ ok: false, sourceId: "mlflow.example.com", trackingUri: "https://mlflow.example.com", runsInMlflow: RUNS },
    compared: {
      ...{
        projects: 1,
        runs: RUNS,
        reportedRuns: 3,
        values: 30 * RUNS,
        points: 2000 * RUNS,
        events: 1997 * RUNS,
        collapsed: RUNS,
        notChartable: 2 * RUNS,
      },
      ...{ files: 3 * RUNS, fileBytes: 5e9, linkedFiles: 4, models: 12, modelsWithoutFiles: 1 },
    },
    experiments: [
      { experimentId: "1", name: `vision ${NASTY}`, project: "vision", projectId: "p", runs: RUNS, equalRuns: RUNS - 1 },
      { experimentId: "2", name: "empty", project: "empty", projectId: "q", runs: 0, equalRuns: 0 },
    ].map((experiment) => ({
      ...experiment,
      points: 2000 * experiment.runs,
      files: 3 * experiment.runs,
      differences: experiment.runs > 0 ? 2 : 0,
    })),
    runs,
    lossy: [{ what: "same-step", count: RUNS, why: "a chart holds one point a step", example: `loss of run ${NASTY}` }],
    ...{
      acceptedLinks: false,
      unaccepted: ["links", "reported", "workspaces", "limits", "damage"],
      differencesTotal: 2,
      differences: [difference, { ...difference, runId: undefined }],
    },
    ...{ uncomparedTotal: 1, uncompared: [{ runId: "9".padStart(32, "0"), what: `3 files ${NASTY}` }] },
    troubles: [{ where: `/mlruns/1/${NASTY}`, what: "it has no meta.yaml", isLoss: true }],
    ...{ skipped: { experiments: 1, runs: 2, reported: 3 }, interrupted: false },
    unread: { workspaces: ["team-a"], limits: [NASTY] },
    ...more,
  };
}

async function opened(
  report: VerificationReport,
  colorScheme: "light" | "dark",
  width: number,
): Promise<{ page: Page; complaints: string[] }> {
  const file = join(folder, `${colorScheme}-${String(width)}.html`);
  await writeFile(file, await verificationPage(report, new Date("2026-01-02T03:04:05Z")));
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => request.url() === pathToFileURL(file).href || complaints.push(`request to ${request.url()}`));
  await page.goto(pathToFileURL(file).href);
  return { page, complaints };
}

describe.skipIf(!hasChromium)("the page of a verification", () => {
  beforeAll(async () => {
    browser = await launchBrowser();
    folder = await mkdtemp(join(tmpdir(), "verification-page-"));
  });
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each([
    ["light", 1280],
    ["dark", 1280],
    ["light", 390],
    ["dark", 390],
  ] as const)("fits and is readable, %s and %d wide, asks nobody for anything, and takes names for text", async (colors, width) => {
    const { page, complaints } = await opened(aReport(), colors, width);
    await expect.poll(() => page.locator("#runs tbody tr").count()).toBe(100);
    expect(await page.title()).toBe("Not proved: MLflow in ClearML");
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.locator(".cards").first().innerText()).toContain(NASTY);
    expect(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")).toBe(0);
    expect(await barriers(page)).toEqual([]);
    expect(complaints).toEqual([]);
    const picture = process.env["PICTURES"];
    if (picture !== undefined)
      await page.screenshot({
        path: join(picture, `verification-${colors}-${String(width)}.png`),
        fullPage: true,
        clip: { x: 0, y: 0, width, height: 1700 },
      });
    await page.close();
  });

  it("shows those that differ first, finds a run by name or id, and turns pages", async () => {
    const { page } = await opened(aReport(), "light", 1280);
    const rows = page.locator("#runs tbody tr");
    expect(await rows.first().innerText()).toContain(NASTY);
    await page.getByLabel("Name or id").fill("job-4321");
    expect(await page.locator("output").innerText()).toBe("1 to 1 of 1");
    expect(await rows.first().innerText()).toContain("task0000000000000000000000004321");
    await page.getByLabel("Name or id").fill("");
    await page.getByRole("button", { name: "Further" }).click();
    expect(await page.locator("output").innerText()).toBe("101 to 200 of 5,000");
    await page.getByLabel("with differences only").check();
    expect(await rows.count()).toBe(1);
    await page.close();
  });

  it("is proved where nothing differs, and says what is left of it without JavaScript", async () => {
    const proved = aReport({ ok: true, differencesTotal: 0, differences: [], acceptedLinks: true, unaccepted: [] });
    const file = join(folder, "proved.html");
    await writeFile(file, await verificationPage(proved, new Date(0)));
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(pathToFileURL(file).href);
    expect(await page.locator("h1").innerText()).toBe(
      "All of it is in ClearML, and equal, but for what ClearML has by its address alone, as accepted; what is damaged in MLflow, as accepted; what was deleted, left out as asked; what MLflow alone has of runs that a trainer wrote to both, as accepted; workspaces that were not named, as accepted; what MLflow may not have shown, as accepted.",
    );
    expect(await page.locator("main").innerText()).toContain("The list of the 5,000 runs needs JavaScript");
    await context.close();
  });
});

/** What axe finds by the rules of WCAG 2.1 A and AA. The page's own policy lets no script in but by a debugger's hand. */
async function barriers(page: Page): Promise<readonly string[]> {
  return page.evaluate(`(async () => {
    ${axe.source}
    const { violations } = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] });
    return violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html.slice(0, 120)).join(" | "));
  })()`);
}
