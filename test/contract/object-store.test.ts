import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../src/base/logger.js";
import { parseCheckpointUri } from "../../src/storage/checkpoint-uri.js";
import type { ObjectStore } from "../../src/storage/object-store.js";
import { createObjectStore, type StoreCollaborators } from "../../src/storage/open-object-store.js";
import { plainFileServer, plainFileServerClient } from "../support/plain-file-server.js";
import { hanging, S3_ENV, startS3 } from "../support/s3-server.js";
import { serveWire } from "../support/wire-server.js";
import { describeObjectStoreContract, type StoreUnderTest } from "./object-store-contract.js";

function open(uri: string, collaborators: Partial<StoreCollaborators> = {}): ObjectStore {
  const parsed = parseCheckpointUri(uri);
  if (parsed.status === "invalid") throw new Error(parsed.issues[0]?.message);
  return createObjectStore(parsed.spec, { env: {}, logger: silentLogger, ...collaborators });
}

describeObjectStoreContract("folder", async () => {
  const directory = await mkdtemp(join(tmpdir(), "folder-store-"));
  const store = open(`file://${directory}`);
  return {
    store,
    read: (key) => readFile(join(directory, key)).catch(() => undefined),
    leftovers: async () => (await readdir(directory, { recursive: true })).filter((name) => name.endsWith(".partial")),
    dispose: () => rm(directory, { recursive: true, force: true }),
  };
});

describeObjectStoreContract("file server", async () => {
  const files = new Map<string, Buffer>();
  let handler = plainFileServer(files);
  const server = await serveWire((request) => handler(request));
  return {
    store: open("clearml", { fileServer: plainFileServerClient(server.url) }),
    read: async (key) => files.get(key),
    leftovers: async () => [],
    hang: () => {
      const hung = hanging();
      handler = hung.handler;
      return hung;
    },
    refuse: () => server.close(),
    dispose: () => server.close(),
  };
});

for (const refuseChecksums of [false, true]) {
  describeObjectStoreContract(`S3 compatible${refuseChecksums ? ", one that refuses checksums" : ""}`, () => anS3({ refuseChecksums }));
}

async function anS3(options: { readonly refuseChecksums: boolean }): Promise<StoreUnderTest> {
  const { s3, server, intercept } = await startS3({ rights: ["s3:PutObject", "s3:AbortMultipartUpload"], ...options });
  return {
    store: open(`s3://${server.host}/models/trainer`, { env: S3_ENV }),
    read: async (key) => {
      const object = s3.object("models", `trainer/${key}`);
      return object && Buffer.from(object.body);
    },
    leftovers: async () => s3.uploads().map((upload) => upload.id),
    hang: () => {
      const hung = hanging();
      intercept(hung.handler);
      return hung;
    },
    refuse: () => server.close(),
    dispose: () => server.close(),
  };
}
