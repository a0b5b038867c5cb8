/**
 * The dashboard in a real browser, against the real server: what every browser test starts from. It notes each complaint of
 * the page, and each request to anybody but the server, since none is ever right.
 */
import { existsSync } from "node:fs";
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "playwright-core";
import { startDevServer, type DevServer, type DevServerOptions } from "../../src/devserver/index.js";
import { RawClearML } from "../support/raw-clearml.js";

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** Without a browser the suites are skipped, and say so. */
export const hasChromium = existsSync(executablePath);
if (!hasChromium) console.log(`SKIPPED test/browser: no Chromium at ${executablePath}. Install Debian's chromium or set CHROMIUM.`);

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
const QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Starts the browser. The page was built before the first test, by `build-page.ts`. */
export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath, args: [...FLAGS, ...QUIET] });
}

/** One server with one page. */
export class DashboardWorld {
  readonly server: DevServer;
  readonly clearml: RawClearML;
  readonly context: BrowserContext;
  readonly page: Page;
  /** Console errors, page errors and requests to other origins. */
  readonly complaints: string[] = [];

  private constructor(server: DevServer, clearml: RawClearML, context: BrowserContext, page: Page) {
    this.server = server;
    this.clearml = clearml;
    this.context = context;
    this.page = page;
  }

  static async start(browser: Browser, options: BrowserContextOptions = {}, serverOptions: DevServerOptions = {}): Promise<DashboardWorld> {
    const server = await startDevServer(serverOptions);
    const clearml = await RawClearML.login(server.env);
    const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, colorScheme: "light", ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const world = new DashboardWorld(server, clearml, context, page);
    world.#listen();
    return world;
  }

  /** Opens a path of the dashboard. */
  async open(path: string): Promise<void> {
    await this.page.goto(this.server.webUrl + path);
  }

  /** Makes a task that runs. */
  async aTask(fields: object = {}): Promise<string> {
    const { id } = await this.clearml.call<{ id: string }>("tasks.create", { name: "Training Job 4711", type: "training", ...fields });
    await this.clearml.call("tasks.started", { task: id });
    return id;
  }

  /** Reports a line of a chart, one point a second. */
  async report(
    task: string,
    metric: string,
    variant: string,
    values: readonly number[],
    from = Date.now() - values.length * 1000,
  ): Promise<void> {
    await this.clearml.addEvents(
      values.map((value, index) => ({
        type: "training_stats_scalar",
        task,
        metric,
        variant,
        iter: index + 1,
        value,
        timestamp: from + index * 1000,
      })),
    );
  }

  /** Reports a figure. */
  async reportPlot(task: string, metric: string, variant: string, figure: object | string, iter = 1): Promise<void> {
    const plot = typeof figure === "string" ? figure : JSON.stringify(figure);
    await this.clearml.addEvents([{ type: "plot", task, metric, variant, iter, timestamp: Date.now(), plot_str: plot }]);
  }

  /** Stores bytes at the file server and reports them as a sample. */
  async reportSample(task: string, metric: string, variant: string, name: string, content: string | Buffer, iter = 1): Promise<string> {
    const url = await this.clearml.upload(`Project/${task}/metrics/${name}`, content);
    await this.clearml.addEvents([{ type: "training_debug_image", task, metric, variant, iter, timestamp: Date.now(), url, key: name }]);
    return url;
  }

  /** The drawn chart of a metric. */
  chart(metric: string) {
    return this.page.locator(`figure[data-metric="${metric}"]`);
  }

  async close(): Promise<void> {
    await this.context.close();
    await this.server.close();
  }

  #listen(): void {
    const own = new URL(this.server.webUrl).origin;
    this.context.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol !== "data:" && protocol !== "about:" && origin !== own) this.complaints.push(`request to ${request.url()}`);
    });
    this.context.on("requestfailed", (request) => {
      // What the policy of the page, or of a sample in it, forbids is announced and never sent.
      const at = this.complaints.indexOf(`request to ${request.url()}`);
      if (request.failure()?.errorText === "csp" && at >= 0) this.complaints.splice(at, 1);
    });
    this.page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.complaints.push(message.text());
    });
    this.page.on("pageerror", (error) => this.complaints.push(error.message));
  }
}
