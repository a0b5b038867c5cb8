import { expect, it } from "vitest";
import { sampleKind } from "../../../../src/devserver/dashboard/data/sample-kind.js";

it("knows a sample by the end of its path, whatever stands behind it", () => {
  expect(
    [
      "http://127.0.0.1:8081/p/t/metrics/a_0.PNG",
      "http://127.0.0.1:8081/speech.wav?x=.png",
      "http://127.0.0.1:8081/report.html#top",
      "s3://bucket/clip.mp4",
      "http://127.0.0.1:8081/data.bin",
      "",
    ].map(sampleKind),
  ).toEqual(["image", "audio", "page", "video", "file", "file"]);
});
