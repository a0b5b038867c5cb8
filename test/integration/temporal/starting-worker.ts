/** A worker for subprocess-manager.test.ts: starts a trainer, says so, and is then killed. */
import { subprocessManager } from "../../../src/temporal/subprocess/subprocess-manager.js";
import type { StartRequest } from "../../../src/temporal/training-manager.js";

const { directory, request } = JSON.parse(process.argv[2] ?? "{}") as { directory: string; request: StartRequest };
const { handle } = await subprocessManager({ directory }).start(request, { signal: new AbortController().signal });
console.log(JSON.stringify(handle));
setInterval(() => undefined, 1_000);
