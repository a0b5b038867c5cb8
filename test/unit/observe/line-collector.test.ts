import { describe, expect, it } from "vitest";
import { LineCollector } from "../../../src/observe/line-collector.js";

function aCollector(maxCharacters = 1_000): LineCollector {
  return new LineCollector({ maxCharacters });
}

describe("lines that were printed", () => {
  it.each<[string, string[], string]>([
    ["whole lines", ["one\ntwo\n"], "one\ntwo"],
    ["a line in pieces", ["o", "n", "e\n"], "one"],
    ["empty lines between", ["one\n\ntwo\n"], "one\n\ntwo"],
    ["Windows line ends", ["one\r\ntwo\r\n"], "one\ntwo"],
    ["a carriage return and its line end apart", ["one\r", "\ntwo\n"], "one\ntwo"],
    ["a progress bar", ["\r10%", "\r50%", "\r100%", "\ndone\n"], "100%\ndone"],
    ["a bar that returns after each state", ["10%\r", "50%\r", "100%\r", "\n"], "100%"],
    ["a bar within one write", ["10%\r50%\r100%\n"], "100%"],
    ["a bar in pieces", ["\r1", "0%", "\r10", "0%\n"], "100%"],
    ["a bar by cursor", ["\u001b[1G\u001b[0K10%", "\u001b[1G\u001b[0K100%", "\u001b[?25h\n"], "100%"],
    ["colours, which are the reader's to show", ["\u001b[31mred\u001b[0m\n"], "\u001b[31mred\u001b[0m"],
  ])("of %s are what would stand on a terminal", (_what, printed, expected) => {
    const collector = aCollector();
    for (const text of printed) collector.push(text);
    expect(collector.take()).toEqual({ text: expected, droppedLines: 0 });
  });

  it("wait for their end, and are given without it when nothing more comes", () => {
    const collector = aCollector();
    collector.push("one\ntw");
    expect(collector.take().text).toBe("one");
    collector.push("o");
    expect(collector.take().text).toBe("");
    expect(collector.end().text).toBe("two");
  });

  it("of a bar that runs are its state when it is asked for, each state once", () => {
    const collector = aCollector();
    collector.push("\r10%");
    expect(collector.take().text).toBe("");
    expect(collector.hasNewState).toBe(true);
    expect(collector.take({ state: true }).text).toBe("10%");
    expect(collector.hasNewState).toBe(false);
    collector.push("\r20%");
    expect(collector.take({ state: true }).text).toBe("20%");
    collector.push("\n");
    expect(collector.end().text).toBe("");
  });

  it("beyond the limit are counted, and the next ones are taken again", () => {
    const collector = aCollector(10);
    collector.push("12345678\nabc\ndef\n");
    expect(collector.take()).toEqual({ text: "12345678", droppedLines: 2 });
    collector.push("ghi\n");
    expect(collector.take()).toEqual({ text: "ghi", droppedLines: 0 });
  });

  it("that never end do not fill the memory", () => {
    const collector = aCollector(10);
    for (let at = 0; at < 100; at++) collector.push("x".repeat(6));
    const { text, droppedLines } = collector.end();
    expect(text.length).toBeLessThanOrEqual(10);
    expect(droppedLines).toBeGreaterThan(10);
  });
});
