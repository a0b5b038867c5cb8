/** A journal's folder that lies elsewhere than where it was written: a volume under another mount, an unpacked copy. */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Outbox } from "../../../src/outbox/outbox.js";
import type { Delivery } from "../../../src/outbox/sink.js";
import { surveyJournal } from "../../../src/outbox/survey-journal.js";
import { MemorySink } from "../../support/memory-sink.js";
import { aDraft } from "../../support/records.js";

const outage: Delivery = { status: "retry", cause: "unreachable", reason: "down" };
let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "moved-"));
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function leftBehind(directory: string): Promise<void> {
  const down = new MemorySink();
  down.answer = () => outage;
  const outbox = await Outbox.open({ directory, sinks: [down], uploader: { upload: () => Promise.resolve(outage) }, strict: true });
  await mkdir(join(directory, "pins"), { recursive: true });
  const path = join(directory, "pins", "weights.pt");
  await writeFile(path, "weights");
  await outbox.append(aDraft("checkpoint", { attachment: { path, pinned: true, sizeBytes: 7 } })).durable;
  await outbox.append(aDraft("line")).durable;
  await outbox.memory("trainer").set("job", { jobId: "7" });
  await outbox.close({ deadlineMs: 0 });
}

it("still has its pinned copies: they are uploaded from where they are now, and then removed", async () => {
  const [before, after] = [join(base, "before"), join(base, "after")];
  await leftBehind(before);
  await rename(before, after);
  const seen: string[] = [];
  const sink = new MemorySink();
  const outbox = await Outbox.open({
    directory: after,
    sinks: [sink],
    uploader: {
      upload: async ({ traits }) => {
        seen.push(await readFile(traits.attachment?.path ?? "", "utf8"));
        return { status: "delivered" };
      },
    },
    strict: true,
  });
  expect(await outbox.close()).toMatchObject({ complete: true });
  expect(seen).toEqual(["weights"]);
  expect(sink.sequences).toHaveLength(2);
  expect(await readdir(join(after, "pins"))).toEqual([]);
});

it("is surveyed without a byte being changed, whether a process holds it or not", async () => {
  const directory = join(base, "journal");
  await leftBehind(directory);
  const contents = async (): Promise<Record<string, string>> => {
    const names = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    return Object.fromEntries(
      await Promise.all(
        names.map(async ({ parentPath, name }) => [join(parentPath, name), await readFile(join(parentPath, name), "utf8")] as const),
      ),
    );
  };
  const before = await contents();
  const survey = await surveyJournal(directory);
  expect(await contents()).toEqual(before);
  expect(survey).toMatchObject({
    runId: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
    records: 2,
    nextSequence: 3,
    pending: { memory: 2 },
    pendingUploads: 1,
    attachments: [{ path: join(directory, "pins", "weights.pt"), sizeBytes: 7 }],
    deadLetters: 0,
    corruptLines: 0,
    pinnedBytes: 7,
  });
  expect(survey.recall("trainer", "job")).toEqual({ jobId: "7" });
  expect(survey.files.every(({ bytes }) => bytes > 0)).toBe(true);
});

it("says of a folder without a journal that there is none", async () => {
  expect(await surveyJournal(base)).toMatchObject({ runId: undefined, records: 0, pending: {}, files: [] });
});
