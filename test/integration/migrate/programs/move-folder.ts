/** Brings a tracking folder to ClearML in a process of its own, and says how that went. */
import { createClearML } from "../../../../src/clearml/index.js";
import { runMigration } from "../../../../src/migrate/index.js";
import { openMlflowSource } from "../../../../src/mlflow/open-source.js";

const [trackingUri = ""] = process.argv.slice(2);
await using mlflow = await openMlflowSource({ trackingUri, artifactsRoot: trackingUri }, {});
await using clearml = createClearML();
const { migrated, points, failures } = await runMigration({ mlflow, clearml });
process.stdout.write(JSON.stringify({ migrated, points, failures }));
