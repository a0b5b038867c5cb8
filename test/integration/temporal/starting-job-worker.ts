/** A worker for kubernetes-manager.test.ts: starts a Job, says so, and is then killed. */
import { kubernetesManager, type KubernetesManagerOptions } from "../../../src/temporal/kubernetes/kubernetes-manager.js";
import type { StartRequest } from "../../../src/temporal/training-manager.js";

const { options, request } = JSON.parse(process.argv[2] ?? "{}") as { options: KubernetesManagerOptions; request: StartRequest };
const { handle } = await kubernetesManager(options).start(request, { signal: new AbortController().signal });
console.log(JSON.stringify(handle));
setInterval(() => undefined, 1_000);
