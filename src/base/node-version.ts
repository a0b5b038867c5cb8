/** The one word about Node that a program on an old one gets, in place of a TypeError from somewhere inside. */
import { ConfigError } from "./errors.js";

/** The oldest major version on which anything here runs; `engines` of the package asks for more. */
const OLDEST_MAJOR = 22;

/** @throws ConfigError on a Node that lacks what this package is built on. */
export function checkNodeVersion(version: string = process.versions.node): void {
  if (Number.parseInt(version, 10) >= OLDEST_MAJOR) return;
  const message = `is ${version}, and trainer-sdk needs 22.19 or newer`;
  throw new ConfigError(`Node.js ${message}.`, [{ path: "Node.js", message }]);
}
