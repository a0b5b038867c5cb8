/**
 * What a migration relies on in every source. Held against the small MLflow of `test/support/small-mlflow.ts`, and, by the interop
 * suite, against real ones that `corpus.py` filled: the names are the same.
 */
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DownloadError, TrainerSDKError } from "../../src/base/errors.js";
import type { MlflowCall, MlflowPoint, MlflowSource } from "../../src/migrate/index.js";

/** A source that is filled. */
export interface SourceUnderTest {
  readonly source: MlflowSource;
  /** Run ids by run name: `traps`, `deleted one`, `in a deleted experiment` at least. */
  readonly ids: Readonly<Record<string, string>>;
  dispose(): Promise<void>;
}

export function describeMlflowSourceContract(name: string, create: () => Promise<SourceUnderTest>): void {
  describe(`MLflow source contract: ${name}`, () => {
    let subject: SourceUnderTest;
    let source: MlflowSource;
    let folder: string;
    const call: MlflowCall = { signal: new AbortController().signal };

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "source-contract-"));
      subject = await create();
      ({ source } = subject);
    });
    afterAll(async () => {
      await source.close();
      await subject.dispose();
      await rm(folder, { recursive: true, force: true });
    });

    const id = (run: string): string => subject.ids[run] ?? "";
    const pointsOf = async (key: string): Promise<MlflowPoint[]> => (await all(source.history(id("traps"), key, call))).flat();
    async function runsByExperiment(): Promise<Map<string, { stage: string | undefined; runs: string[] }>> {
      const found = new Map<string, { stage: string | undefined; runs: string[] }>();
      for await (const { experiment_id, name: called, lifecycle_stage } of source.experiments(call)) {
        const runs = (await all(source.runs(experiment_id, call))).map(({ info }) => info.run_id);
        found.set(called, { stage: lifecycle_stage, runs });
      }
      return found;
    }

    it("lists each experiment and run once, deleted ones too, and the same when it is asked again", async () => {
      const found = await runsByExperiment();
      expect(found.get("vision/détecteur")?.stage).toBe("active");
      expect(found.get("gone")).toEqual({ stage: "deleted", runs: [id("in a deleted experiment")] });
      const runs = [...found.values()].flatMap((experiment) => experiment.runs);
      for (const run of ["traps", "deleted one"]) expect(runs.filter((one) => one === id(run))).toHaveLength(1);
      expect(await runsByExperiment()).toEqual(found);
    });

    it("answers one run with the facts of its list, and with parameters and tags as they were written", async () => {
      const run = await source.run(id("traps"), call);
      const listed = (await all(source.runs(run.info.experiment_id, call))).find(({ info }) => info.run_id === id("traps"));
      expect(run.info).toEqual(listed?.info);
      expect(run.info).toMatchObject({ run_name: "traps", status: "FINISHED", start_time: 1_700_000_000_000, end_time: 1_700_000_060_000 });
      expect(Object.fromEntries(run.data.params.map(({ key, value }) => [key, value]))).toMatchObject({
        lr: "0.1",
        lines: "a\nb",
        empty: "",
      });
      const tags = { "mlflow.user": "ada", "mlflow.note.content": "# A note\nwith *lines*", empty: "" };
      expect(Object.fromEntries(run.data.tags.map(({ key, value }) => [key, value]))).toMatchObject(tags);
      expect((await source.run(id("deleted one"), call)).info.lifecycle_stage).toBe("deleted");
    });

    it("hands out the same points of a metric alone and, where it may, with those of other runs", async () => {
      const read = async (runId: string, key: string, mayBatch: boolean): Promise<unknown[]> =>
        (await all(source.history(runId, key, { ...call, mayBatch }))).flat().map(({ timestamp, step, value }) => [timestamp, step, value]);
      const traps = await source.run(id("traps"), call);
      const keys = traps.data.metrics.map(({ key }) => key);
      expect(keys.length).toBeGreaterThan(3);
      // All at once, so that they do come together.
      const asked = [id("traps"), id("deleted one")].flatMap((runId) => keys.map((key) => [runId, key] as const));
      const together = await Promise.all(asked.map(([runId, key]) => read(runId, key, true)));
      for (const [at, [runId, key]] of asked.entries()) expect(together[at], key).toEqual(await read(runId, key, false));
    });

    it("hands out every point: several of one step, NaN, steps that a number would round", async () => {
      const steps = (points: readonly MlflowPoint[]): unknown[] => points.map(({ value, step }) => [value, step]);
      expect(steps(await pointsOf("same step")).sort()).toEqual([0, 1, 2, 3, 4, 5, 6].map((value) => [value, 0]));
      expect(steps(await pointsOf("nonfinite"))).toContainEqual([Number.NaN, 0]);
      expect(steps(await pointsOf("nonfinite"))).toContainEqual([7, 3]);
      expect(steps(await pointsOf("huge step"))).toContainEqual([1, 9007199254740993n]);
      expect(steps(await pointsOf("train/loss"))).toEqual([[2, 0]]);
      expect(await pointsOf("no such metric")).toEqual([]);
      for await (const page of source.history(id("traps"), "same step", call)) expect(page.length).toBeGreaterThan(0);
    });

    it("names a latest point of each metric that is one of its points", async () => {
      const { data } = await source.run(id("traps"), call);
      expect(data.metrics.map(({ key }) => key)).toEqual(expect.arrayContaining(["huge step", "nonfinite", "same step", "train/loss"]));
      for (const { key, value, step, timestamp } of data.metrics) {
        const spelled = (point: { value?: unknown; step?: unknown; timestamp?: unknown }): string =>
          [point.value, point.step, point.timestamp].map(String).join(" ");
        expect((await pointsOf(key)).map(spelled)).toContain(spelled({ value, step, timestamp }));
      }
    });

    it("lists files without folders, brings their bytes, and refuses a file of another size", async () => {
      const listed = await all(source.artifacts(id("traps"), call));
      expect(listed.map(({ path }) => path)).toEqual(expect.arrayContaining(["plain.txt", "empty.bin", "deep/er/tree/x.json"]));
      expect(listed.every(({ is_dir }) => !is_dir)).toBe(true);
      const target = join(folder, "file");
      const plain = { ...call, sizeBytes: Number(listed.find(({ path }) => path === "plain.txt")?.file_size) };
      const sha256 = createHash("sha256").update("hello").digest("hex");
      expect(await source.download(id("traps"), "plain.txt", target, plain)).toEqual({ sizeBytes: 5, sha256 });
      expect(await readFile(target, "utf8")).toBe("hello");
      expect(await source.download(id("traps"), "empty.bin", target, { ...call, sizeBytes: 0 })).toMatchObject({ sizeBytes: 0 });
      const limited = AbortSignal.timeout(2000);
      await expect(source.download(id("traps"), "plain.txt", target, { signal: limited, sizeBytes: 6 })).rejects.toSatisfy(
        // A server may be asked once more, for it may have been cut off: until the caller has had enough.
        (error) => DownloadError.isInstance(error) || limited.aborted,
      );
      await expect(source.download(id("traps"), "no such file", target, { ...call, sizeBytes: 1 })).rejects.toSatisfy((error) =>
        TrainerSDKError.isInstance(error),
      );
    });

    it("lists versions that are not deleted, and tells aliases with their model", async () => {
      expect((await all(source.registeredModels(call))).map(({ name: called }) => called)).toContain("detector");
      const versions = await all(source.modelVersions("detector", call));
      expect(versions.map(({ version }) => version)).toEqual(expect.arrayContaining(["1", "3"]));
      expect(versions.map(({ version }) => version)).not.toContain("2");
      expect(versions.find(({ version }) => version === "1")?.current_stage).toBe("Production");
      const { aliases, tags } = await source.registeredModel("detector", call);
      expect(aliases.map(({ alias, version }) => `${alias} ${String(version)}`)).toContain("champion 3");
      expect(tags).toContainEqual(expect.objectContaining({ key: "team", value: "blue" }));
      for await (const { experiment_id } of source.experiments(call)) await all(source.loggedModels(experiment_id, call));
    });

    it("says what it does not have", async () => {
      const isOurs = (error: unknown): boolean => TrainerSDKError.isInstance(error);
      await expect(source.run("f".repeat(32), call)).rejects.toSatisfy(isOurs);
      await expect(source.registeredModel("no such model", call)).rejects.toSatisfy(isOurs);
    });

    it("ends with the signal's own reason, whatever it is asked", async () => {
      const reason = new Error("enough");
      const { experiment_id: experimentId } = (await source.run(id("traps"), call)).info;
      const ended: MlflowCall = { signal: AbortSignal.abort(reason) };
      const asked = [
        source.version(ended),
        source.run(id("traps"), ended),
        all(source.experiments(ended)),
        all(source.runs(experimentId, ended)),
        all(source.artifacts(id("traps"), ended)),
        all(source.registeredModels(ended)),
        source.registeredModel("detector", ended),
        all(source.modelVersions("detector", ended)),
        source.download(id("traps"), "plain.txt", join(folder, "other"), { ...ended, sizeBytes: 5 }),
      ];
      for (const one of await Promise.allSettled(asked)) expect(one).toEqual({ status: "rejected", reason });
    });

    it("may be left in the middle of a list", async () => {
      for await (const _ of source.experiments(call)) break;
      for await (const _ of source.history(id("traps"), "same step", call)) break;
      expect((await runsByExperiment()).size).toBeGreaterThanOrEqual(2);
    });
  });
}

async function all<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const found: Row[] = [];
  for await (const row of rows) found.push(row);
  return found;
}
