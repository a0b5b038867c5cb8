import { expect, it } from "vitest";
import { checkNodeVersion } from "../../../src/base/node-version.js";

it("takes the Node that runs this, and tells an old one which is needed", () => {
  expect(checkNodeVersion).not.toThrow();
  expect(() => {
    checkNodeVersion("20.20.2");
  }).toThrow("Node.js is 20.20.2, and trainer-sdk needs 22.19 or newer.");
});
