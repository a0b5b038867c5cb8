import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import type { HttpRequest, HttpResponse, StreamingHttpTransport } from "../../../src/base/http.js";
import { MlflowClient } from "../../../src/mlflow/mlflow-client.js";
import type { MlflowOptions } from "../../../src/mlflow/mlflow-options.js";
import { FakeClock } from "../../support/fake-clock.js";

const signal = new AbortController().signal;

type Answer = readonly [status: number, body: string];
/** Of a release older than workspaces: what `server-workspaces` makes of others has tests of its own. */
const NO_INFO: Answer = [404, ""];

/** A client whose server answers what the test says, request by request. It may ask once what the server is. */
function clientOf(answers: readonly Answer[], options: MlflowOptions = {}, info = NO_INFO) {
  const requests: HttpRequest[] = [];
  let isAskedWhatItIs = false;
  const transport: StreamingHttpTransport = {
    send: (request): Promise<HttpResponse> => {
      if (request.url.endsWith("/api/3.0/mlflow/server-info") && !isAskedWhatItIs) {
        isAskedWhatItIs = true;
        return Promise.resolve({ status: info[0], headers: {}, body: Buffer.from(info[1]), text: () => info[1] });
      }
      const [status, body] = answers[requests.length] ?? [500, "no answer was prepared"];
      requests.push(request);
      return Promise.resolve({ status, headers: {}, body: Buffer.from(body), text: () => body });
    },
    stream: () => Promise.resolve({ status: 500, headers: {}, body: Readable.from([]) }),
    close: () => Promise.resolve(),
  };
  const client = new MlflowClient({ trackingUri: "http://mlflow.example/prefix/", transport, random: () => 0, ...options }, {});
  return { client, requests };
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

describe("the history of a metric", () => {
  it("reads all pages, and always says how many points it wants", async () => {
    const { client, requests } = clientOf([
      [200, '{"metrics":[{"key":"loss","value":1,"timestamp":5,"step":0}],"next_page_token":"a"}'],
      [200, '{"metrics":[{"key":"loss","value":"NaN","timestamp":6}]}'],
    ]);
    expect(
      (await all(client.history("r", "loss", { signal }))).flat().map(({ value, timestamp, step }) => [value, timestamp, step]),
    ).toEqual([
      [1, 5, 0],
      [Number.NaN, 6, 0],
    ]);
    expect(requests.map(({ url }) => url)).toEqual([
      "http://mlflow.example/prefix/api/2.0/mlflow/metrics/get-history?run_id=r&metric_key=loss&max_results=25000",
      "http://mlflow.example/prefix/api/2.0/mlflow/metrics/get-history?run_id=r&metric_key=loss&max_results=25000&page_token=a",
    ]);
  });

  it("does not go round for ever where a server answers no points and a token", async () => {
    const { client } = clientOf([[200, '{"next_page_token":"a"}']]);
    await expect(all(client.history("r", "loss", { signal }))).rejects.toThrow(/does not end/);
  });
});

describe("a history that may come with others", () => {
  const single = '{"metrics":[{"key":"loss","value":1,"timestamp":5,"step":0}]}';
  const database: Answer = [200, '{"store_type":"SqlStore"}'];
  const read = async (info: Answer, ...answers: readonly Answer[]) => {
    const { client, requests } = clientOf(answers, {}, info);
    const points = (await all(client.history("r", "loss", { signal, mayBatch: true }))).flat();
    return { points: points.map(({ value, step }) => [value, step]), asked: requests.map(({ url }) => url.replace(/^.*mlflow\//, "")) };
  };

  it("is read by MLflow's own call for many from a server that works through a database, words that are no JSON included", async () => {
    const many =
      '{"metrics":[{"key":"loss","run_id":"r","step":0,"timestamp":5,"value":NaN},{"run_id":"r","step":9007199254740993,"timestamp":6,"value":2.5}]}';
    expect(await read(database, [200, many])).toEqual({
      points: [
        [Number.NaN, 0],
        [2.5, 9007199254740993n],
      ],
      asked: ["metrics/get-history-bulk?run_id=r&metric_key=loss&max_results=25000"],
    });
  });

  it.each<[string, Answer, Answer[]]>([
    ["a tracking folder, whose points have more to say", [200, '{"store_type":"FileStore"}'], []],
    ["a server that does not say what it reads", [404, "<html></html>"], []],
    ["a server that refuses the call", database, [[403, "no"]]],
    ["a server that answers something else", database, [[200, '{"metrics":[{"value":1}]}']]],
    ["a server that answers nothing for the run", database, [[200, '{"metrics":[]}']]],
  ])("is read by itself from %s", async (_, info, answers) => {
    const { points, asked } = await read(info, ...answers, [200, single]);
    expect(points).toEqual([[1, 0]]);
    expect(asked.at(-1)).toBe("metrics/get-history?run_id=r&metric_key=loss&max_results=25000");
  });
});

describe("an MLflow client", () => {
  it("reads a list whose last page is empty, as one that is exactly full is followed by", async () => {
    const { client } = clientOf([
      [200, '{"experiments":[{"experiment_id":"1","name":"one"}],"next_page_token":"a"}'],
      [200, "{}"],
    ]);
    expect((await all(client.experiments({ signal }))).map(({ name }) => name)).toEqual(["one"]);
  });

  it("sends user and password before a token, and shows neither when it is refused", async () => {
    const { client, requests } = clientOf([[401, "You are not authenticated"]], { username: "ada", password: "se cret", token: "t" });
    const error = await client.version({ signal }).catch((reason: unknown) => reason as Error);
    expect(requests[0]?.headers?.["authorization"]).toBe(`Basic ${Buffer.from("ada:se cret").toString("base64")}`);
    expect(String(error)).toMatch(/401.*MLFLOW_TRACKING_USERNAME/);
    expect(String(error)).not.toContain("cret");
  });

  it("tells what answered when that is no MLflow", async () => {
    const { client } = clientOf([[200, "<html>welcome</html>"]]);
    await expect(client.run("r", { signal })).rejects.toThrow(/no JSON: check that MLFLOW_TRACKING_URI/);
  });

  it("asks again after 503, and not after 404", async () => {
    const { client, requests } = clientOf([
      [503, ""],
      [200, "3.1.0"],
      [404, '{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no run"}'],
    ]);
    expect(await client.version({ signal })).toBe("3.1.0");
    await expect(client.run("r", { signal })).rejects.toThrow(/404: RESOURCE_DOES_NOT_EXIST, no run/);
    expect(requests).toHaveLength(3);
  });

  it("keeps its requests apart when it is asked to", async () => {
    const clock = new FakeClock();
    const { client, requests } = clientOf(
      [
        [200, "1"],
        [200, "1"],
        [200, "1"],
      ],
      { clock, requestsPerSecond: 2 },
    );
    const asked = Promise.all([1, 2, 3].map(() => client.version({ signal })));
    await clock.advance(0);
    expect(requests).toHaveLength(1);
    await clock.advance(500);
    expect(requests).toHaveLength(2);
    await clock.advance(500);
    await asked;
    expect(requests).toHaveLength(3);
  });

  it.each([
    [{ trackingUri: "file:///mlruns" }, /MLFLOW_TRACKING_URI must be the http or https address/],
    [{}, /MLFLOW_TRACKING_URI is missing/],
    [{ trackingUri: "http://a:b@host" }, /MLFLOW_TRACKING_URI must be/],
    [{ trackingUri: "http://host", username: "ada" }, /go together/],
  ])("refuses %j", (options, message) => {
    expect(() => new MlflowClient(options, {})).toThrow(message);
  });
});

describe("the files of a run", () => {
  it("are all of them where a server answers a folder in pages", async () => {
    const { client } = clientOf([
      [200, '{"files":[{"path":"a","file_size":1}],"next_page_token":"t"}'],
      [200, '{"files":[{"path":"b","file_size":1}]}'],
    ]);
    expect((await all(client.artifacts("r", { signal }))).map(({ path }) => path)).toEqual(["a", "b"]);
  });

  it("are told without the password of the store that has one of a name which the server misreads", async () => {
    const { client } = clientOf([[200, '{"run":{"info":{"run_id":"r","experiment_id":"1","artifact_uri":"ftp://ada:s3cret@host/r"}}}']]);
    const failure: unknown = await client.download("r", "a%20b", "unused", { signal, sizeBytes: 1 }).catch((error: unknown) => error);
    expect(String(failure)).toMatch(/cannot hand out the file a%20b of run r.*From its store, ftp:\/\/host\/r, /);
    expect(JSON.stringify([String(failure), failure, String((failure as Error).cause)])).not.toContain("s3cret");
  });
});

describe("the files of a version of a registered model", () => {
  const version = { name: "detector", version: "1" };
  const info = '{"run_id":"r","experiment_id":"1","artifact_uri":"s3://bucket/r"}';
  const answersFor = (uri: string): (readonly [number, string])[] => [
    [200, `{"artifact_uri":"${uri}"}`],
    [200, '{"model_version":{"name":"detector","version":"1","run_id":"r"}}'],
    [200, `{"run":{"info":${info}}}`],
  ];

  it.each([
    ["s3://key:s3cret@other/m?x=s3cret", "s3://other/m"],
    ["/mnt/models/m", "/mnt/models/m"],
  ])("at %s are said to be where they are, and not what is secret of it", async (uri, shown) => {
    const { client } = clientOf(answersFor(uri));
    const told = await all(client.artifacts(version, { signal })).catch(String);
    expect(told).toContain(`are at ${shown}, which MLflow does not list`);
    expect(told).not.toContain("s3cret");
  });

  it("are not looked for in a folder whose name the server would misread", async () => {
    const { client, requests } = clientOf([
      [200, '{"artifact_uri":"mlflow-artifacts:/1/r/artifacts/of%20old"}'],
      [200, '{"files":[{"path":"wrong","file_size":1}]}'],
    ]);
    await expect(all(client.artifacts(version, { signal }))).rejects.toThrow(/cannot hand out the files of model at .*--artifacts-root/s);
    expect(requests).toHaveLength(1);
  });
});
