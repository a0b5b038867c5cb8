/** That the benchmark of the migration still runs to its end, with a load that shows nothing of speed. */
import { beforeAll, expect, it } from "vitest";
import { measureMigration, type MigrationResult } from "../../../bench/migration.ts";
import { migrationFigures } from "../../../bench/rows/migrate.ts";
import { Workplace } from "../../../bench/workplace.ts";
import { Tally } from "../support/tally.js";

const LOAD = { runs: 4, fewRuns: 2, naiveRuns: 1, metrics: 3, steps: 20, longPoints: 30_000 };

let result: MigrationResult;

beforeAll(async () => {
  await using workplace = await Workplace.open();
  result = await measureMigration(workplace, LOAD, () => undefined);
});

it("moves what it has filled MLflow with, from the server and from its file, proves it, and has a value for every figure", () => {
  const tally = new Tally("mlflow", "the benchmark of the migration, in small");
  const { fromServer, fromFile, longFromFile, naive, script } = result;
  const counted = [fromServer, fromFile].flatMap(({ moved, proved }) => [moved.points, proved.points]);
  tally.compare("points", counted, [240, 240, 240, 240]);
  tally.compare("points of one metric", [longFromFile.moved.points, longFromFile.proved.points], [30_000, 30_000]);
  tally.compare("points of the naive loop", naive.points, 60);
  tally.compare("points of Python's script", script.points, 60);
  for (const { what, value } of migrationFigures(result, LOAD)) expect(value, what).toSatisfy(Number.isFinite);
  tally.end();
});
