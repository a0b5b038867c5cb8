// A user's own tests: no sockets, and a request that nobody expected is an error.
import { mkdtempSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setupServer } from "msw/node";
import { http, HttpResponse } from "msw/http";
import { createTestPlatform, setupTestNetwork } from "trainer-sdk/testing";
import { afterEach, describe, expect, it } from "vitest";
import { train } from "./trainer.mjs";

const journalDir = () => mkdtempSync(path.join(os.tmpdir(), "journal-"));
const env = (platform) => ({ ...platform.env, JOB_ID: "7" });

function expectWholeStory(platform) {
  const [task] = platform.tasks();
  expect(task).toMatchObject({ name: "Training Job 7", status: "completed" });
  expect(platform.scalars(task.id)).toMatchObject({
    "loss/train": [
      { iteration: 1, value: 1 },
      { iteration: 2, value: 0.5 },
    ],
  });
  expect(platform.callbacks("/completed")).toHaveLength(1);
  expect(platform.objects().map(({ body }) => Buffer.from(body).toString())).toContain("weights");
}

describe("with the network of trainer-sdk/testing", () => {
  const platform = createTestPlatform();
  const network = setupTestNetwork(platform.handlers, { onUnhandledRequest: "error" });
  afterEach(() => network.close());

  it("tells the whole story", async () => {
    await network.listen();
    expect(await train({ env: env(platform), journalDir: journalDir() })).toMatchObject({ complete: true });
    expectWholeStory(platform);
  });
});

describe("with msw's own setupServer", () => {
  const platform = createTestPlatform();
  const server = setupServer(...platform.handlers);
  afterEach(() => server.close());

  it("tells the whole story, the SDK going through fetch", async () => {
    server.listen({ onUnhandledFrame: "error" });
    expect(await train({ env: env(platform), journalDir: journalDir(), fetch: globalThis.fetch })).toMatchObject({ complete: true });
    expectWholeStory(platform);
  });
});

describe("with a handler of the test's own before the platform's", () => {
  const platform = createTestPlatform();
  const seen = [];
  const server = setupServer(
    http.post(`${platform.env.CALLBACK_URL}/progress`, async ({ request }) => {
      seen.push((await request.json()).epoch);
      return HttpResponse.json({ action: "stop", reason: "enough" });
    }),
    ...platform.handlers,
  );
  afterEach(() => server.close());

  it("asks that handler", async () => {
    server.listen({ onUnhandledFrame: "error" });
    await train({ env: env(platform), journalDir: journalDir(), fetch: globalThis.fetch });
    expect(seen).toEqual([1, 2]);
  });
});
