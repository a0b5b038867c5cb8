import { expect, it } from "vitest";
import type { DownloadProgress } from "../../../src/storage/download/fetch-set.js";
import { barLine, DownloadBar } from "../../../src/trainer/download-bar.js";

const half: DownloadProgress = {
  uri: "s3://data/set",
  files: 4,
  finishedFiles: 1,
  receivedBytes: 5_000_000,
  totalBytes: 10_000_000,
  bytesPerSecond: 2_500_000,
};

it("shows how much of all there is, how fast it comes, and of what", () => {
  expect(barLine(half, 120)).toBe("████████████░░░░░░░░░░░░ 5.0 MB of 10.0 MB · 2.5 MB/s · 1/4 files · s3://data/set");
});

it("goes by files where the size is not known, and says no count of one file", () => {
  const { bytesPerSecond: _rate, ...known } = half;
  expect(barLine({ ...known, totalBytes: undefined }, 120)).toBe("██████░░░░░░░░░░░░░░░░░░ 5.0 MB · 1/4 files · s3://data/set");
  expect(barLine({ ...half, files: 1, finishedFiles: 0 }, 120)).not.toContain("files");
});

it("stays on one line of a narrow screen, and within its frame when more comes than was said", () => {
  expect(barLine(half, 40)).toHaveLength(39);
  expect(barLine({ ...half, receivedBytes: 99_000_000 }, 120)).toMatch(/^█{24} /);
});

it("is drawn over itself, ends with its line, and leaves nothing where nothing was drawn", () => {
  const written: string[] = [];
  const bar = new DownloadBar({ write: (text) => written.push(text), columns: 80 });
  bar.end();
  expect(written).toEqual([]);
  bar.draw(half);
  bar.draw({ ...half, receivedBytes: 10_000_000 });
  bar.end();
  bar.end();
  expect(written.filter((text) => text === "\n")).toHaveLength(1);
  expect(written[1]?.startsWith(`\r\u001b[2K${"█".repeat(24)} 10.0 MB of`)).toBe(true);
});
