/** What the parser of the command line cannot see: an option whose value cannot be meant. The program ends with 2. */
import { ConfigError } from "../base/errors.js";

export class UsageError extends ConfigError {
  /** @param option - Such as `--report`; the message goes on from it. */
  constructor(option: string, message: string) {
    super(`${option} ${message}.`, [{ path: option, message }]);
  }
}
