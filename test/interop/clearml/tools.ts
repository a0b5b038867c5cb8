/** What the suite needs beyond npm: a Python environment for each line of the SDK, and a real S3 server. */
import { pythonWith } from "../../../scripts/python-venv.ts";
import { installS3Tools } from "../../../scripts/s3-tools.ts";
import { SDK_LINES, type SdkLine } from "./sdk-lines.ts";

/** The interpreter of a line; installs what is missing. */
export function pythonOf(line: SdkLine, tell: (message: string) => void = () => undefined): Promise<string> {
  return pythonWith(`interop/clearml-${line.version}`, line.packages, tell);
}

/** Installs all that is missing: about a minute a line the first time, and some for the S3 server's compilation. */
export async function installTools(tell: (message: string) => void): Promise<void> {
  for (const line of SDK_LINES) await pythonOf(line, tell);
  await installS3Tools(tell);
}
