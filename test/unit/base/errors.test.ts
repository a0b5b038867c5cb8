import { expect, it } from "vitest";
import { describeError } from "../../../src/base/errors.js";

const withoutText: unknown = Object.create(null);
const oddError = Object.assign(new Error("a text"), { message: { code: 7 } });

it.each<[string, unknown, string]>([
  ["an error", new Error("disk full"), "disk full"],
  ["an error with a cause", new Error("no upload", { cause: new Error("disk full") }), "no upload: disk full"],
  ["a sentence with a cause", new Error("There is no upload.", { cause: new Error("disk full") }), "There is no upload: disk full"],
  ["an error of another realm, or what a library throws in its place", { name: "Error", message: "disk full" }, "disk full"],
  ["an object without a text", withoutText, "[object Object]"],
  ["an error whose message is no text", oddError, "[object Object]"],
  ["a text", "disk full", "disk full"],
  ["nothing", undefined, "undefined"],
])("%s is told without throwing", (_what, thrown, text) => {
  expect(describeError(thrown)).toBe(text);
});
