/** What an export remembers of itself, cut off at every byte of a line. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ExportRecords, type ExportedRun } from "../../../src/migrate/export-record.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "export-record-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the records of an export", () => {
  it("are read up to the line that was cut off, wherever that was", async () => {
    const record = (home: string): ExportedRun => ({
      ...{ copy: "digest", home, points: 1, files: 1, fileBytes: 3, notFiled: ["tag {a}"] },
      linkedFiles: [{ path: "a", uri: "s3://bucket/a" }],
    });
    const first = await ExportRecords.open(folder);
    for (const home of ["1/a", "1/b"]) {
      await mkdir(join(folder, home), { recursive: true });
      await writeFile(join(folder, home, "meta.yaml"), "");
    }
    for (const id of ["a", "b"]) await first.write(id, record(`1/${id}`));
    const file = join(folder, ".trainer-sdk-export");
    const whole = await readFile(file);
    const second = whole.indexOf("\n") + 1;
    for (let end = second; end < whole.length; end++) {
      await writeFile(file, whole.subarray(0, end));
      const records = await ExportRecords.open(folder);
      expect(await records.find("a")).toEqual(record("1/a"));
      // Without its end of line it is whole all the same.
      expect(await records.find("b")).toEqual(end === whole.length - 1 ? record("1/b") : undefined);
      await records.write("b", record("1/b"));
      expect(await (await ExportRecords.open(folder)).find("b")).toEqual(record("1/b"));
    }
  });
});
