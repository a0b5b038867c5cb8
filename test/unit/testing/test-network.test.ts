import http from "node:http";
import { Agent, request as undiciRequest } from "undici";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { http as rule, HttpResponse } from "msw/http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setupTestNetwork } from "../../../src/testing/test-network.js";

const network = setupTestNetwork([
  rule.all("http://service.test/*", async ({ request }) =>
    HttpResponse.text(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`),
  ),
]);

function nodeHttp(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    http
      .get(url, (answer) => {
        answer.setEncoding("utf8");
        let text = "";
        answer.on("data", (chunk: string) => (text += chunk)).on("end", () => resolve(text));
      })
      .on("error", reject);
  });
}

describe("setupTestNetwork", () => {
  beforeEach(() => network.listen());
  afterEach(() => network.close());

  it("answers fetch, node:http and the undici package, with an agent of its own or not", async () => {
    expect(await (await fetch("http://service.test/fetch", { method: "POST", body: "a" })).text()).toBe("POST /fetch a");
    expect(await nodeHttp("http://service.test/node")).toBe("GET /node ");
    expect(await (await undiciRequest("http://service.test/undici", { method: "PUT", body: "b" })).body.text()).toBe("PUT /undici b");
    const dispatcher = new Agent();
    expect(await (await undiciRequest("http://service.test/agent", { dispatcher })).body.text()).toBe("GET /agent ");
    await dispatcher.close();
  });

  it("answers the AWS client", async () => {
    const client = new S3Client({
      endpoint: "http://service.test",
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId: "a", secretAccessKey: "s" },
    });
    const answer = await client.send(new GetObjectCommand({ Bucket: "bucket", Key: "key" }));
    expect(await answer.Body?.transformToString()).toBe("GET /bucket/key ");
  });

  it("fails a request that no handler answers, whichever client sends it", async () => {
    await expect(fetch("http://elsewhere.test/")).rejects.toThrow();
    await expect(undiciRequest("http://elsewhere.test/")).rejects.toThrow();
    await expect(nodeHttp("http://elsewhere.test/")).rejects.toThrow();
  });

  it("may be closed twice, and listen again", async () => {
    await network.close();
    await network.close();
    await network.listen();
    expect(await nodeHttp("http://service.test/again")).toBe("GET /again ");
  });

  it("forgets added handlers at a reset", async () => {
    network.use(rule.get("http://service.test/fetch", () => HttpResponse.text("added")));
    expect(await (await fetch("http://service.test/fetch")).text()).toBe("added");
    network.resetHandlers();
    expect(await (await fetch("http://service.test/fetch")).text()).toBe("GET /fetch ");
  });
});
