/** After a day without the store thousands of samples wait. Neither the next start nor the next sample may hold the training up. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { Outbox } from "../../../src/outbox/outbox.js";
import type { RecordDraft } from "../../../src/records/record.js";
import { aDraft } from "../../support/records.js";
import { TestDisk } from "../../support/test-disk.js";

const SAMPLES = 200;

function anUpload(replaceKey: string): RecordDraft {
  return aDraft("bytes", { attachment: { path: "/nowhere", pinned: false, sizeBytes: 1, replaceKey } });
}

it("a start with many uploads pending looks through them a few times, and not once for each", async () => {
  const directory = await mkdtemp(join(tmpdir(), "many-uploads-"));
  try {
    const disk = new TestDisk();
    const uploader = { upload: () => new Promise<never>(() => undefined) };
    const shared = { directory, sinks: [], strict: true };
    // Without a moment in between: none takes another's place yet.
    const first = await Outbox.open({ ...shared, uploader, disk: disk.mount() });
    for (let number = 0; number < SAMPLES; number++) first.append(anUpload(`media:${String(number)}`));
    for (let number = 0; number < 3; number++) first.append(anUpload("last"));
    await first.close({ deadlineMs: 0 });

    let passes = 0;
    const entries = Map.prototype[Symbol.iterator];
    const counted = vi.spyOn(Map.prototype, Symbol.iterator).mockImplementation(function (this: Map<unknown, unknown>) {
      if (this.size >= SAMPLES) passes++;
      return entries.call(this) as MapIterator<[unknown, unknown]>;
    });
    const second = await Outbox.open({ ...shared, uploader, disk: disk.mount() }).finally(() => counted.mockRestore());
    expect(passes).toBeLessThan(20);
    await second.close({ deadlineMs: 0 });
    expect(second.stats().uploads.pending).toBe(SAMPLES + 1);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
