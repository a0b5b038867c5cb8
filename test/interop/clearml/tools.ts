/** What the suite needs beyond npm: a Python environment for each line of the SDK. */
import { pythonWith } from "../../../scripts/python-venv.ts";
import { SDK_LINES, type SdkLine } from "./sdk-lines.ts";

/** The interpreter of a line; installs what is missing. */
export function pythonOf(line: SdkLine, tell: (message: string) => void = () => undefined): Promise<string> {
  return pythonWith(`interop/clearml-${line.version}`, line.packages, tell);
}

/** Installs all that is missing: about a minute a line, the first time. */
export async function installTools(tell: (message: string) => void): Promise<void> {
  for (const line of SDK_LINES) await pythonOf(line, tell);
}
