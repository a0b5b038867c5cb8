/** The contract of sources, held against the small MLflow in each of its forms. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openMlflowSource } from "../../src/migrate/index.js";
import { SMALL_RUNS, smallDatabase, smallFolder, smallServer } from "../support/small-mlflow.js";
import { describeMlflowSourceContract, type SourceUnderTest } from "./mlflow-source-contract.js";

async function ofFile(write: (folder: string) => Promise<string>): Promise<SourceUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), "small-mlflow-"));
  const source = await openMlflowSource({ trackingUri: await write(folder) }, {});
  return { source, ids: SMALL_RUNS, dispose: () => rm(folder, { recursive: true, force: true }) };
}

describeMlflowSourceContract("a tracking folder", () => ofFile(smallFolder));

describeMlflowSourceContract("a database", () => ofFile(smallDatabase));

describeMlflowSourceContract("a server", async () => {
  const server = await smallServer();
  // Pages of two: every metric but one ends on a page that is full or has several.
  const source = await openMlflowSource({ trackingUri: server.url, historyPageSize: 2 }, {});
  return {
    source,
    ids: SMALL_RUNS,
    dispose: async () => {
      server.close();
    },
  };
});
