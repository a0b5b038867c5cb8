/** How a worker reaches ClearML: by its own network, with the keys that were resolved. */
import { expect, it } from "vitest";
import { resolveClearMLOptions } from "../../../src/clearml/options.js";
import { startDevServer } from "../../../src/devserver/index.js";
import { clearmlQueueManager } from "../../../src/temporal/index.js";
import { clearmlClient } from "../../../src/temporal/clearml-client.js";
import { startProxy } from "../../support/proxy-server.js";

it("a worker's client goes through the proxy of its environment, and takes no keys from it", async () => {
  await using proxy = await startProxy();
  const server = await startDevServer();
  const { options: connection } = resolveClearMLOptions({}, { ...server.env });
  if (connection === undefined) throw new Error("unreachable");
  const clearml = clearmlClient(connection, { http_proxy: proxy.url, CLEARML_API_ACCESS_KEY: "another's" }, {});
  await clearml.queues.create({ name: "gpu" });
  expect(proxy.seen).not.toEqual([]);
  await clearml.close();
  await server.close();
});

it("the queue's manager goes through the proxy of its environment", async () => {
  await using proxy = await startProxy();
  const server = await startDevServer();
  const manager = clearmlQueueManager({ queue: "gpu", env: { ...server.env, http_proxy: proxy.url } });
  expect(await manager.find("training:7", { signal: new AbortController().signal })).toBeUndefined();
  expect(proxy.seen).not.toEqual([]);
  await server.close();
});
