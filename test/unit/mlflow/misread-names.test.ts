import { describe, expect, it } from "vitest";
import { isMisread, isMisreadBySome } from "../../../src/mlflow/misread-names.js";

// What real servers make of such names is shown by the interop suite.
describe("the path of a file", () => {
  it.each(["plain.txt", "a b/c.txt", "100%.txt", "50%zz", "x+step+3+timestamp+17+ab.png", "é.txt", "a#b", "%"])(
    "%s is taken as it is",
    (path) => {
      expect([isMisread(path), isMisreadBySome(path)]).toEqual([false, false]);
    },
  );

  it.each(["a%20b.txt", "of%20old/x", "a%2Fb", "a%2520b", "x%step%3%timestamp%1700%deadbeef.png", "%C3%A9"])(
    "%s is read as another: no server is asked for it",
    (path) => {
      expect([isMisread(path), isMisreadBySome(path)]).toEqual([true, true]);
    },
  );

  it.each(["x%step%3%timestamp%1700%gg.png", "a\u0017b"])("%j is read as it is by some releases alone", (path) => {
    expect([isMisread(path), isMisreadBySome(path)]).toEqual([false, true]);
  });
});
