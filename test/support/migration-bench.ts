/** An MLflow that answers what a test prepared, an embedded ClearML, clients at both, and a folder; all gone at the end. */
import { MlflowClient } from "../../src/migrate/index.js";
import { clearmlBench, type ClearMLBench } from "./clearml-bench.js";
import { MlflowStandIn } from "./mlflow-stand-in.js";

export interface MigrationBench extends Pick<ClearMLBench, "server" | "clearml" | "folder">, AsyncDisposable {
  readonly standIn: MlflowStandIn;
  /** Reads the stand-in, two points a page. */
  readonly mlflow: MlflowClient;
}

export async function migrationBench(): Promise<MigrationBench> {
  const bench = await clearmlBench();
  const { server, clearml, folder } = bench;
  const standIn = await MlflowStandIn.start();
  const mlflow = new MlflowClient({ trackingUri: standIn.url, historyPageSize: 2 }, {});
  return {
    ...{ server, clearml, folder, standIn, mlflow },
    [Symbol.asyncDispose]: async () => {
      await mlflow.close();
      await bench[Symbol.asyncDispose]();
      standIn.close();
    },
  };
}
