import { describe, expect, it } from "vitest";
import { MAX_MESSAGE_LENGTH, consoleText, cutText, freeText, nameText } from "../../../src/clearml/clearml-text.js";

describe("texts for ClearML", () => {
  it.each(["2024-01-31", "12:34", "12:34:56", "2024-01-31T12:34:56", "2024-01-31 12:34:56.789Z", "2024-01-31T12:34:56+02:00"])(
    "keeps the server from taking %s for a date",
    (text) => {
      expect(freeText(text)).toBe(`${text} `);
      expect(nameText(text)).toBe(`${text}_`);
      expect(consoleText(text)).toBe(`${text} `);
    },
  );

  it.each(["2024-01-31 done", "epoch 3", "", "1.5", "12:34:56 loss 0.3"])("leaves %j as it is", (text) => {
    expect(freeText(text)).toBe(text);
    expect(nameText(text)).toBe(text);
    expect(consoleText(text)).toBe(text);
  });

  it("sees through the spaces that the server strips off a name", () => {
    expect(nameText(" 2024-01-31 ")).toBe("2024-01-31_");
  });

  it("shows a progress bar's last state, not all of them", () => {
    expect(consoleText("start\r 10 %\r 50 %\r100 %\ndone\r\nend\r")).toBe("start\r 10 %\r 50 %\r100 %".split("\r").at(-1)! + "\ndone\nend");
  });

  it("cuts an endless line and says by how much", () => {
    const text = consoleText("x".repeat(MAX_MESSAGE_LENGTH + 1000));
    expect(text.length).toBeLessThanOrEqual(MAX_MESSAGE_LENGTH);
    const cut = /^(x+) \[trainer-sdk cut (\d+) characters\]$/.exec(text)!;
    expect(cut[1]!.length + Number(cut[2])).toBe(MAX_MESSAGE_LENGTH + 1000);
  });

  it("never leaves half a character behind", () => {
    expect(cutText("a" + "😀".repeat(100), 60).isWellFormed()).toBe(true);
    expect(freeText("\ud83d").isWellFormed()).toBe(true);
    expect(nameText("\ud83d").isWellFormed()).toBe(true);
  });
});
