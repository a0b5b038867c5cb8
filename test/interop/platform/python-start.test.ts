/** What the platform's manager starts is `python train.py --log-level INFO`: a real Python that becomes the Node trainer. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { runShim } from "../../../src/cli/shim-command.js";
import { startPlatformReceiver, type PlatformReceiver } from "../../support/platform-receiver.js";
import { managerEnvironment } from "../../support/platform-trainer.js";

const SDK = pathToFileURL(fileURLToPath(new URL("../../../dist/index.js", import.meta.url))).href;
const terminal = { out: () => undefined, error: () => undefined, stop: new AbortController().signal, interactive: false, columns: 80 };

let folder: string;
let receiver: PlatformReceiver;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "python-start-"));
  receiver = await startPlatformReceiver();
});
afterEach(async () => {
  await receiver.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(trainer: string) {
  await writeFile(path.join(folder, "trainer.mjs"), `import { TrainerSDK } from ${JSON.stringify(SDK)};\n${trainer}`);
  expect(await runShim("trainer.mjs", { as: "train.py", out: folder }, terminal)).toBe(0);
  const child = spawn("python3", ["train.py", "--log-level", "INFO"], {
    cwd: folder,
    env: {
      ...managerEnvironment(receiver.callbackUrl, { TRAINER_JOURNAL_DIR: path.join(folder, "journal") }),
      PATH: [path.dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(path.delimiter),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const ended = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  return { child, lines, reader, ended };
}

it.each([0, 1, 2])("runs the trainer in the process that Python began, and ends with its exit code %i", async (code) => {
  const { child, lines, ended } = await start(`
    const sdk = await TrainerSDK.init();
    console.log(process.pid, ...process.argv.slice(2));
    await sdk.reportStarted();
    await sdk.reportCompleted();
    await sdk.close();
    process.exitCode = ${String(code)};
  `);
  expect(await ended).toEqual([code, null]);
  expect(lines).toEqual([`${String(child.pid)} --log-level INFO`]);
  expect(receiver.job.status).toBe("completed");
});

it("hands SIGTERM to the trainer, which tells its end within the pod's grace", async () => {
  const { child, reader, ended } = await start(`
    const sdk = await TrainerSDK.init();
    sdk.stopOnSignals();
    await sdk.reportStarted();
    await sdk.reportProgress({ epoch: 4, metrics: { loss: 1 } });
    const up = setInterval(() => undefined, 1000);
    sdk.signal.addEventListener("abort", () => clearInterval(up));
    console.log("training");
  `);
  await once(reader, "line");
  child.kill("SIGTERM");
  await ended;
  expect(receiver.taken("completion")).toMatchObject([{ status: "stopped", total_epochs_completed: 4 }]);
});

it("says that there is no Node, and ends as a shell would", async () => {
  await writeFile(path.join(folder, "trainer.mjs"), "");
  await runShim("trainer.mjs", { as: "train.py", out: folder }, terminal);
  const python = await new Promise<string>((resolve) => {
    const child = spawn("python3", ["-c", "import sys; print(sys.executable)"], { stdio: ["ignore", "pipe", "inherit"] });
    child.stdout.setEncoding("utf8").once("data", (text: string) => resolve(text.trim()));
  });
  const child = spawn(python, ["train.py"], { cwd: folder, env: { PATH: folder }, stdio: "ignore" });
  expect(await once(child, "close")).toEqual([127, null]);
});
