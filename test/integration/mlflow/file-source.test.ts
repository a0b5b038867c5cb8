/**
 * Tracking folders that are in no order, or lie elsewhere than they did: what is read all the same, and what is told. That folders
 * of real clients are read as those clients read them shows the interop suite.
 */
import { appendFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openMlflowSource, type MlflowPoint, type MlflowSource, type MlflowTrouble } from "../../../src/migrate/index.js";
import { experimentMeta, runMeta, writeFiles, writeTrackingFolder, type RunFiles } from "../../support/tracking-folder.js";

const T = 1_700_000_000_000;
let folder: string;
let root: string;
const signal = new AbortController().signal;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "file-source-"));
  root = join(folder, "mlruns");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function holding(files: RunFiles): Promise<MlflowSource> {
  await writeTrackingFolder(root, { a: files });
  return openMlflowSource({ trackingUri: root }, {});
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const row of rows) found.push(row);
  return found;
}
const pointsOf = async (source: MlflowSource, key = "loss"): Promise<MlflowPoint[]> =>
  (await all(source.history("a", key, { signal }))).flat();
const filesOf = async (source: MlflowSource, runId = "a"): Promise<string[]> =>
  (await all(source.artifacts(runId, { signal }))).map(({ path }) => path);
const runsOf = async (source: MlflowSource): Promise<string[]> => (await all(source.runs("1", { signal }))).map(({ info }) => info.run_id);
/** By the path below the folder. */
const told = (source: MlflowSource): MlflowTrouble[] =>
  (source.troubles?.() ?? []).map((trouble) => ({ ...trouble, where: trouble.where.slice(root.length + 1) }));

describe("the lines of a metric", () => {
  it("are read in each form that MLflow has written, with Python's words for what is not finite", async () => {
    const source = await holding({
      "metrics/loss": `${String(T)} 1.0\n${String(T)} 1e-05 3\n${String(T)} nan -2\n${String(T)} inf 9007199254740993\n${String(T)} -inf 5\n${String(T)} -0.0 6\n${String(T)} 0.5 7 cats and dogs 1234e567\n${String(T)} 2 8\r\n`,
    });
    expect((await pointsOf(source)).map(({ value, step }) => [value, step])).toEqual([
      [1, 0],
      [0.00001, 3],
      [Number.NaN, -2],
      [Number.POSITIVE_INFINITY, 9007199254740993n],
      [Number.NEGATIVE_INFINITY, 5],
      [-0, 6],
      [0.5, 7],
      [2, 8],
    ]);
    expect((await pointsOf(source))[6]).toMatchObject({ dataset_name: "cats and dogs", dataset_digest: "1234e567" });
    expect(told(source)).toEqual([]);
  });

  it("cost themselves alone when they are none, and are counted", async () => {
    const source = await holding({
      "metrics/loss": `${String(T)} 0.5 0\nwhat\n${String(T)} zero 1\n\n${String(T)} 0.25 1.5\n${String(T)} 0.125 2\n${"\0".repeat(300_000)}\n${String(T)} 4 3\n`,
    });
    expect((await pointsOf(source)).map(({ step }) => step)).toEqual([0, 2, 3]);
    expect(told(source)).toEqual([{ where: "1/a/metrics/loss", what: "5 lines are no points, the first of them line 2", isLoss: true }]);
  });

  it.each([
    [
      "a run that goes on is left for later",
      1,
      "0.25 1",
      [0],
      { what: expect.stringContaining("cut short: it is left out until"), isLoss: false },
    ],
    ["a run that has ended is taken when it is whole", 3, "0.25 1", [0, 1], undefined],
    [
      "a run that has ended is told when it is not",
      3,
      "0.2",
      [0],
      { what: "its last line is cut short, and the run has ended", isLoss: true },
    ],
  ])("a last line without its end: of %s", async (_what, status, rest, steps, trouble) => {
    const source = await holding({
      "meta.yaml": runMeta("1", "a", { status }),
      "metrics/loss": `${String(T)} 0.5 0\n${String(T + 1)} ${rest}`,
    });
    expect((await pointsOf(source)).map(({ step }) => step)).toEqual(steps);
    expect(told(source)).toEqual(trouble === undefined ? [] : [{ where: "1/a/metrics/loss", ...trouble }]);
    // The writer has come to its end: nothing is left to tell.
    await appendFile(join(root, "1", "a", "metrics", "loss"), "\n");
    if (status === 1) expect(await pointsOf(source)).toHaveLength(2);
    if (status === 1) expect(told(source)).toEqual([]);
  });

  it("come in pages, and the latest by step, time and value is the run's", async () => {
    const lines = Array.from({ length: 25_000 }, (_, n) => `${String(T + n)} ${String(n / 3)} ${String(n % 20_000)}\n`);
    const source = await holding({ "metrics/loss": lines.join("") });
    const sizes = (await all(source.history("a", "loss", { signal }))).map(({ length }) => length);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(25_000);
    expect(Math.max(...sizes)).toBeLessThan(12_000);
    expect((await source.run("a", { signal })).data.metrics).toEqual([
      { key: "loss", value: 19_999 / 3, timestamp: T + 19_999, step: 19_999 },
    ]);
  });
});

describe("a tracking folder", () => {
  it("keeps names with slashes, values with lines, digests that look like numbers, and null apart from its word", async () => {
    const source = await holding({
      "params/net/depth": "3",
      "params/text": "a\nb\r\nc\n",
      "tags/empty": "",
      "metrics/train/loss": `${String(T)} 1.0 0\n`,
      "inputs/i/meta.yaml":
        "destination_id: d\ndestination_type: RUN\nsource_id: d\nsource_type: DATASET\ntags:\n  mlflow.data.context: 'null'\n",
      "../datasets/d/meta.yaml":
        'digest: 1234e567\nname: \'no\'\nprofile: null\nschema:\nsource: "{\\"uri\\": \\"a\\\\tb\\"}"\nsource_type: 0o17\n',
    });
    const { data, inputs } = await source.run("a", { signal });
    expect(data.params).toEqual([
      { key: "net/depth", value: "3" },
      { key: "text", value: "a\nb\r\nc\n" },
    ]);
    expect(data.metrics.map(({ key }) => key)).toEqual(["loss", "train/loss"]);
    const dataset = { digest: "1234e567", name: "no", source: '{"uri": "a\\tb"}', source_type: "0o17" };
    expect(inputs).toEqual({ dataset_inputs: [{ tags: [{ key: "mlflow.data.context", value: "null" }], dataset }] });
  });

  it("tells folders that are in no order, and reads all others", async () => {
    await writeTrackingFolder(root, { a: {}, b: { "meta.yaml": "" }, c: {}, d: {} });
    await rm(join(root, "1", "c", "meta.yaml"));
    await writeFiles(root, {
      "1/d copy/meta.yaml": runMeta("1", "d"),
      "1/d/meta.yaml": runMeta("2", "d"),
      "1/cache/x.bin": "x",
      "2/meta.yaml": "name: [",
      "3/r/meta.yaml": runMeta("3", "r"),
      "notes/todo.txt": "x",
      ".trash/1/meta.yaml": experimentMeta("1", "old"),
      "models/ghost/version-1/meta.yaml": "name: ghost",
      ".ipynb_checkpoints/x": "x",
    });
    const source = await openMlflowSource({ trackingUri: `file://${root}` }, {});
    expect((await all(source.experiments({ signal }))).map(({ name }) => name)).toEqual(["vision"]);
    expect(await runsOf(source)).toEqual(["a"]);
    expect(await all(source.registeredModels({ signal }))).toEqual([]);
    const places = (isLoss: boolean): string[] => told(source).flatMap((trouble) => (trouble.isLoss === isLoss ? [trouble.where] : []));
    expect(places(true)).toEqual([".trash/1", "1/b", "1/c", "1/d", "1/d copy", "2", "3", "models/ghost"]);
    expect(places(false)).toEqual(["1/cache", "notes"]);
    expect(told(source).find(({ where }) => where === "1/d")?.what).toMatch(/a run of experiment 2/);
    expect(told(source).find(({ where }) => where === "1/b")?.what).toMatch(/meta.yaml cannot be read: it is empty/);
  });

  it("waits for a file that is being rewritten", async () => {
    await writeTrackingFolder(root, { a: {} });
    let pauses = 0;
    const clock = {
      now: () => 0,
      monotonic: () => 0,
      sleep: async () => {
        pauses++;
        await writeFile(join(root, "1", "a", "meta.yaml"), runMeta("1", "a"));
      },
    };
    const source = await openMlflowSource({ trackingUri: root, clock }, {});
    await writeFile(join(root, "1", "a", "meta.yaml"), "");
    expect(await runsOf(source)).toEqual(["a"]);
    expect(pauses).toBe(1);
    expect(told(source)).toEqual([]);
  });

  it("names a run whose parts cannot be read, and does not pass them over", async () => {
    const source = await holding({ "params/fine": "1" });
    await symlink("itself", join(root, "1", "a", "params", "itself"));
    await expect(source.run("a", { signal })).rejects.toThrow(/1\/a\/params\/itself of the tracking folder cannot be read: .*ELOOP/);
    await expect(source.run("b", { signal })).rejects.toThrow(/has no run b/);
  });

  it("tells a text that is not UTF-8", async () => {
    const source = await holding({ "params/name": Uint8Array.from([0x61, 0xff, 0x62]) });
    expect((await source.run("a", { signal })).data.params).toEqual([{ key: "name", value: "a\ufffdb" }]);
    expect(told(source)).toMatchObject([{ where: "1/a/params/name", isLoss: true }]);
  });

  it("holds deleted experiments with their files, though these were recorded at another place", async () => {
    // Of one run the old place is gone; of the other its root is still there, as always when MLflow moves an experiment to the trash.
    const own = { "meta.yaml": runMeta("1", "b", { artifactUri: join(root, "1", "b", "artifacts") }) };
    await writeTrackingFolder(root, { a: { "artifacts/model.pt": "weights" }, b: { ...own, "artifacts/model.pt": "weights" } });
    await writeFiles(root, { "0/meta.yaml": experimentMeta("0", "Default") });
    await mkdir(join(root, ".trash"));
    await rename(join(root, "1"), join(root, ".trash", "1"));
    const source = await openMlflowSource({ trackingUri: root }, {});
    expect([await filesOf(source), await filesOf(source, "b")]).toEqual([["model.pt"], ["model.pt"]]);
    const target = join(folder, "copy");
    await expect(source.download("a", "model.pt", target, { signal, sizeBytes: 7 })).resolves.toMatchObject({ sizeBytes: 7 });
    await expect(source.download("a", "model.pt", target, { signal, sizeBytes: 8 })).rejects.toThrow(/has 7 bytes, not 8/);
  });
});

describe("files of a run", () => {
  it("are looked for where they were recorded, in the folder, and where the user says; never taken for none", async () => {
    await writeTrackingFolder(root, { a: {}, b: {} });
    const source = await openMlflowSource({ trackingUri: root }, {});
    // Nothing here ever had a file: whether there were some on the old machine, nobody can tell.
    await expect(filesOf(source)).rejects.toThrow(/not on this machine.*--artifacts-root/);
    await writeFiles(folder, { "elsewhere/1/b/artifacts/x": "1" });
    const mapped = await openMlflowSource({ trackingUri: root, artifactsRoot: join(folder, "elsewhere") }, {});
    expect([await filesOf(mapped, "a"), await filesOf(mapped, "b")]).toEqual([[], ["x"]]);
    // One run of the same recorded root has files here: the folder was moved whole.
    await writeFiles(root, { "1/b/artifacts/y": "1" });
    const moved = await openMlflowSource({ trackingUri: root }, {});
    expect([await filesOf(moved, "a"), await filesOf(moved, "b")]).toEqual([[], ["y"]]);
  });

  it("may be links, and a link that leads back is an error", async () => {
    await writeFiles(folder, { "store/big.bin": "12345" });
    const source = await holding({ "artifacts/small": "1" });
    await symlink(join(folder, "store", "big.bin"), join(root, "1", "a", "artifacts", "big"));
    await symlink(join(folder, "store"), join(root, "1", "a", "artifacts", "more"));
    expect(await filesOf(source)).toEqual(["big", "more/big.bin", "small"]);
    await symlink("..", join(root, "1", "a", "artifacts", "round"));
    await expect(filesOf(source)).rejects.toThrow(/round, the path runs through too many symbolic links/);
  });
});

describe("what is no tracking folder", () => {
  it("is refused with a word on what it may be", async () => {
    await expect(openMlflowSource({ trackingUri: folder }, {})).rejects.toThrow(/holds no experiment|no folder in it has a meta.yaml/);
    await writeTrackingFolder(root);
    await expect(openMlflowSource({ trackingUri: folder }, {})).rejects.toThrow(/it holds no experiment; perhaps .*mlruns is meant/);
    await expect(openMlflowSource({ trackingUri: join(root, "1", "a", "meta.yaml") }, {})).rejects.toThrow(/as an MLflow database/);
    await expect(openMlflowSource({ trackingUri: join(folder, "no", "such") }, {})).rejects.toThrow(
      /a tracking folder \(mlruns\) or a SQLite file/,
    );
    await expect(openMlflowSource({ trackingUri: `file://${folder}/none` }, {})).rejects.toThrow(
      /as a tracking folder.*there is no such file/,
    );
  });
});
