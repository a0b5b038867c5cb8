/** Artifacts and weights on a real S3 server: what the official SDK stores, we fetch, and the other way round. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, it } from "vitest";
import { createClearML, OutputModel, Task, type ClearML } from "../../../src/clearml/index.js";
import { BUCKET, startRealS3, type RealS3 } from "../../support/real-s3.js";
import { Tally } from "../support/tally.js";
import { PythonPeer } from "./python.js";
import { runChecks } from "./run-checks.js";
import { CURRENT_LINE } from "./sdk-lines.js";
import { countRequests, openServer, type PeerServer } from "./server.js";

let s3: RealS3;
let server: PeerServer;
let clearml: ClearML;
let folder: string;
let conf: string;

beforeAll(async () => {
  s3 = await startRealS3();
  server = await openServer();
  folder = await mkdtemp(path.join(tmpdir(), "interop-s3-"));
  // One file tells both sides of the store.
  conf = path.join(folder, "clearml.conf");
  const credentials = `{ host: "${s3.host}", key: "root", secret: "root-secret", multipart: false, secure: false }`;
  await writeFile(conf, `sdk { aws { s3 { credentials: [ ${credentials} ] } } }\n`);
  clearml = createClearML({}, { ...server.env, CLEARML_CONFIG_FILE: conf });
});

afterAll(async () => {
  await clearml.close();
  await server.close();
  await s3.close();
  await rm(folder, { recursive: true, force: true });
});

it("holds what either side stored, and each reads the other's", async () => {
  const tally = new Tally("clearml", "on S3, both ways");
  const destination = `s3://${s3.host}/${BUCKET}/interop`;
  const file = path.join(folder, "weights.bin");
  await writeFile(file, "stored by us");
  const task = await Task.init(clearml, { project: "Interop/Object store", name: "by us", outputUri: destination, script: false, env: {} });
  await task.uploadArtifact("file", { path: file });
  const model = await OutputModel.create(clearml, { name: "on S3", task });
  tally.compare("address of our weights", (await model.updateWeights({ path: file })).startsWith(`${destination}/`), true);
  await task.close();
  await countRequests(server, tally);

  const python = await PythonPeer.open(CURRENT_LINE, server);
  let theirs: string;
  try {
    ({ task: theirs } = await runChecks(server, python, "s3", { destination, ours: task.id }, { CLEARML_CONFIG_FILE: conf }));
  } finally {
    await python.close();
  }
  const read = await Task.get(clearml, { id: theirs });
  const copy = await read.artifacts["file: 100%"]!.getLocalCopy({ folder: path.join(folder, "copy") });
  tally.compare("a file of Python's", await readFile(copy, "utf8"), "stored by Python");
  const [output] = (await read.getModels()).output.values();
  const weights = path.join(folder, "fetched.bin");
  await output!.getWeights(weights);
  tally.compare("weights of Python's", await readFile(weights, "utf8"), "stored by Python");
  await countRequests(server, tally);
  tally.end();
});
