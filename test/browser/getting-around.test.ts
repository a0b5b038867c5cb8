/** Projects, search in the console, light and dark, and a keyboard alone. */
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DashboardWorld, hasChromium, launchBrowser } from "./dashboard-world.js";

describe.skipIf(!hasChromium)("getting around", () => {
  let browser: Browser;
  let world: DashboardWorld;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });
  beforeEach(async () => {
    world = await DashboardWorld.start(browser);
  });
  afterEach(async () => {
    await world.close();
  });

  async function aProject(name: string): Promise<string> {
    return (await world.clearml.call<{ id: string }>("projects.create", { name, description: "" })).id;
  }

  it("shows projects as a tree with counts that follow what happens, and leads to the tasks of one with those below it", async () => {
    await world.open("/projects");
    await world.page.getByText("No projects yet").waitFor();
    const night = await aProject("Vision/Night");
    const vision = (await world.clearml.call<{ projects: { id: string }[] }>("projects.get_all", { name: "^Vision$" })).projects[0]!.id;
    await aProject("Language");
    const row = (id: string) => world.page.locator(`[data-project="${id}"]`);
    await row(night).waitFor();
    const task = await world.aTask({ name: "in the dark", project: night });
    await world.aTask({ name: "by day", project: vision });
    await expect.poll(() => row(vision).locator("[data-label=Tasks]").innerText()).toBe("2");
    await expect.poll(() => row(night).locator("[data-label=Running]").innerText()).toBe("1");
    await world.clearml.call("tasks.completed", { task });
    await expect.poll(() => row(vision).locator("[data-label=Completed]").innerText()).toBe("1");

    await row(vision).getByRole("button", { name: "Projects in Vision" }).click();
    await row(night).waitFor({ state: "detached" });
    await world.page.getByLabel("Filter projects by name").fill("night");
    await row(night).getByRole("link", { name: "Night" }).waitFor();
    await row(vision).getByRole("link", { name: "Vision" }).click();
    await world.page.getByText("in the dark").waitFor();
    await world.page.getByText("by day").waitFor();
    expect(world.complaints).toEqual([]);
  });

  it("finds text in the console, by letters or expression, and goes from one match to the next", async () => {
    const task = await world.aTask();
    const start = Date.now();
    await world.clearml.addEvents(
      Array.from({ length: 400 }, (_none, index) => ({
        type: "log",
        task,
        level: "info",
        msg: `step ${String(index)} ${index % 100 === 7 ? "Loss is NaN (step.7)" : "fine"}`,
        timestamp: start + index,
      })),
    );
    await world.open(`/projects/*/tasks/${task}/output/log`);
    await world.page.getByText("step 399 fine").waitFor();
    const search = world.page.getByLabel("Search the console");
    const state = world.page.locator("#search-state");
    const current = () => world.page.locator("mark[data-current]");
    await search.fill("nan");
    await expect.poll(() => state.innerText()).toBe("4 of 4");
    expect(await world.page.locator("mark").allTextContents()).toEqual(["NaN", "NaN", "NaN", "NaN"]);
    await expect.poll(() => isInside(world, "mark[data-current]", ".console")).toBe(true);

    await search.press("Enter");
    await expect.poll(() => state.innerText()).toBe("1 of 4");
    expect(await current().locator("xpath=ancestor::*[@class='line']").textContent()).toContain("step 7 ");
    await expect.poll(() => isInside(world, "mark[data-current]", ".console")).toBe(true);
    await search.press("Shift+Enter");
    await expect.poll(() => state.innerText()).toBe("4 of 4");
    expect(await world.page.getByLabel("Follow").isChecked()).toBe(false);
    await world.page.getByRole("button", { name: "Match before" }).click();
    await expect.poll(() => state.innerText()).toBe("3 of 4");

    await world.page.getByRole("button", { name: "Match case" }).click();
    await expect.poll(() => state.innerText()).toBe("no match");
    await world.page.getByRole("button", { name: "Match case" }).click();
    await search.fill("step.7");
    await expect.poll(() => state.innerText()).toBe("4 of 4");
    await world.page.getByRole("button", { name: "Regular expression" }).click();
    await expect.poll(async () => Number((await state.innerText()).split(" of ")[1])).toBeGreaterThan(4);
    await world.page.getByRole("button", { name: "Only matching lines" }).click();
    await expect.poll(() => world.page.locator(".line").count()).toBeLessThan(100);
    await search.fill("step (");
    await expect.poll(() => search.getAttribute("aria-invalid")).toBe("true");
    await expect.poll(() => state.innerText()).toMatch(/group/i);
    await search.fill("");
    await expect.poll(() => world.page.locator(".line").count()).toBe(400);

    // A match that arrives is counted, and the reader stays at the one he looks at.
    await search.fill("NaN");
    await expect.poll(() => state.innerText()).toBe("4 of 4");
    await world.clearml.addEvents([{ type: "log", task, level: "error", msg: "NaN again", timestamp: Date.now() }]);
    await expect.poll(() => state.innerText()).toBe("4 of 5");
    expect(world.complaints).toEqual([]);
  });

  it("is dark where the system is, until the reader chooses, and keeps the choice", async () => {
    const task = await world.aTask();
    await world.report(task, "loss", "train", [3, 2, 1]);
    await world.page.emulateMedia({ colorScheme: "dark" });
    await world.open(`/projects/*/tasks/${task}/output/metrics/scalar`);
    const background = () => world.page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    const dark = "rgb(14, 17, 22)";
    const light = "rgb(247, 248, 250)";
    expect(await background()).toBe(dark);
    await world.page.emulateMedia({ colorScheme: "light" });
    await expect.poll(background).toBe(light);
    await world.chart("loss").locator("canvas").waitFor();
    const lineInLight = await strongestColour(world);
    await world.page.getByLabel("Theme").selectOption("dark");
    await expect.poll(background).toBe(dark);
    await expect.poll(() => strongestColour(world)).not.toBe(lineInLight);
    await world.page.reload();
    expect(await background(), "kept").toBe(dark);
    await world.page.getByLabel("Theme").selectOption("system");
    await expect.poll(background).toBe(light);
    expect(world.complaints).toEqual([]);
  });

  it("takes keys again from the instant that its list of keys is closed", async () => {
    await world.aTask({ name: "task one" });
    await world.open("/");
    await world.page.getByText("task one").waitFor();
    await world.page.keyboard.press("?");
    await world.page.getByRole("dialog", { name: "Keyboard" }).waitFor();
    // Until the next frame a browser leaves the focus in a dialog that was closed: a quick hand is quicker.
    const focused = await world.page.evaluate(`
      document.querySelector("dialog").close();
      document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
      document.activeElement.textContent`);
    expect(focused).toBe("task one");
  });

  it("can be used with a keyboard alone, and tells its keys", async () => {
    const [first, second] = [await world.aTask({ name: "task one" }), await world.aTask({ name: "task two" })];
    for (const task of [first, second]) await world.report(task, "loss", "train", [3, 2, 1]);
    await world.open("/");
    await world.page.getByText("task two").waitFor();
    const { keyboard } = world.page;

    await keyboard.press("?");
    const help = world.page.getByRole("dialog", { name: "Keyboard" });
    await help.getByText("Compare the chosen tasks").waitFor();
    expect(await help.getByText("Logarithmic axis on or off").count(), "no key of another view").toBe(0);
    await keyboard.press("j");
    expect(await world.page.evaluate("document.activeElement.closest('dialog') !== null"), "the dialog has the keys").toBe(true);
    await keyboard.press("Escape");
    await help.waitFor({ state: "detached" });

    for (const key of ["j", "x", "j", "x"]) await keyboard.press(key);
    await world.page.getByText("2 chosen").waitFor();
    await keyboard.press("c");
    await world.chart("loss").locator("[data-points='3']").first().waitFor();
    await keyboard.press("l");
    await expect.poll(() => world.page.getByLabel("Log scale").isChecked()).toBe(true);
    await keyboard.press("x");
    await expect.poll(() => world.page.getByRole("button", { name: "Relative" }).getAttribute("aria-pressed")).toBe("true");
    await keyboard.press("]");
    await world.page.getByText("No plots yet").waitFor();
    await keyboard.press("[");
    await world.chart("loss").waitFor();

    // Letters that are written are letters.
    await keyboard.press("/");
    await keyboard.type("lxgp");
    expect(await world.page.getByLabel("Filter charts by metric or line").inputValue()).toBe("lxgp");
    expect(await world.page.getByLabel("Log scale").isChecked()).toBe(true);
    await world.page.getByLabel("Filter charts by metric or line").blur();

    await keyboard.press("g");
    await keyboard.press("p");
    await world.page.getByRole("heading", { name: "Projects" }).waitFor();
    await keyboard.press("g");
    await keyboard.press("t");
    await world.page.getByRole("heading", { name: "Tasks" }).waitFor();
    expect(world.complaints).toEqual([]);
  });

  it("keeps the order of tasks while the keyboard or a choice is in the list, however much they report", async () => {
    const tasks = [await world.aTask({ name: "task one" }), await world.aTask({ name: "task two" })];
    for (const task of tasks) await world.report(task, "loss", "train", [3, 2, 1]);
    await world.open("/");
    await world.page.getByText("task two").waitFor();
    const { keyboard } = world.page;
    const order = () => world.page.evaluate<string[]>("[...document.querySelectorAll('[data-task]')].map((row) => row.dataset.task)");
    const focused = () => world.page.evaluate<string | undefined>("document.activeElement.closest('[data-task]')?.dataset.task");
    const [upper, lower] = (await order()) as [string, string];
    /** News of a task, and the page that shows it: whatever the order becomes, it is that by then. */
    const news = async (task: string, iterations: number): Promise<void> => {
      await world.report(task, "loss", "train", Array.from<number>({ length: iterations }).fill(1));
      const cell = world.page.locator(`[data-task="${task}"] [data-label=Iteration]`);
      await expect.poll(() => cell.innerText()).toBe(String(iterations));
    };

    await keyboard.press("j");
    await news(lower, 4);
    expect(await order()).toEqual([upper, lower]);
    expect(await focused(), "the keyboard stays where it is").toBe(upper);
    await keyboard.press("x");
    await keyboard.press("j");
    await news(lower, 5);
    expect(await focused()).toBe(lower);
    await keyboard.press("x");
    await world.page.getByText("2 chosen").waitFor();

    await world.page.locator(":focus").blur();
    const late = await world.aTask({ name: "task three" });
    await world.page.getByText("task three").waitFor();
    await news(lower, 6);
    expect(await order(), "a choice holds the order too; what is new comes to the top").toEqual([late, upper, lower]);

    await world.page.getByRole("button", { name: "Clear" }).click();
    await expect.poll(order).toEqual([lower, late, upper]);
    expect(world.complaints).toEqual([]);
  });
});

/** Whether an element lies wholly within another, on the screen. */
function isInside(world: DashboardWorld, inner: string, outer: string): Promise<boolean> {
  return world.page.evaluate<boolean>(`(() => {
    const [a, b] = [${JSON.stringify(inner)}, ${JSON.stringify(outer)}].map((each) => document.querySelector(each)?.getBoundingClientRect());
    return Boolean(a && b && a.top >= b.top && a.bottom <= b.bottom);
  })()`);
}

/** The colour that most pixels of the chart's line have. */
function strongestColour(world: DashboardWorld): Promise<string> {
  return world.page.evaluate<string>(`(() => {
    const canvas = document.querySelector("figure canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const counts = new Map();
    for (let at = 0; at < data.length; at += 4) {
      const [red, green, blue, alpha] = data.slice(at, at + 4);
      if (alpha < 250 || Math.max(red, green, blue) - Math.min(red, green, blue) < 60) continue;
      const colour = [red, green, blue].join(" ");
      counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
    return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? "none";
  })()`);
}
