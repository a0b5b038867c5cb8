import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClearML } from "../../src/clearml/create-clearml.js";
import { startDevServer } from "../../src/devserver/index.js";
import { systemClock } from "../../src/base/clock.js";
import { undiciTransport } from "../../src/base/http.js";
import { silentLogger } from "../../src/base/logger.js";
import { readBytes, type WireHandler } from "../../src/protocol/handler.js";
import { parseCheckpointUri } from "../../src/storage/checkpoint-uri.js";
import type { ObjectStore } from "../../src/storage/object-store.js";
import { PresignedObjectStore } from "../../src/storage/presigned-object-store.js";
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

describeObjectStoreContract("file server, ClearML's own client and the embedded server", async () => {
  const server = await startDevServer();
  const { files, session } = createClearML({
    apiHost: server.apiUrl,
    filesHost: server.filesUrl,
    accessKey: server.accessKey,
    secretKey: server.secretKey,
  });
  const downloads = await mkdtemp(join(tmpdir(), "downloads-"));
  return {
    store: open("clearml", {
      fileServer: {
        urlOf: (path) => files.urlOf(path),
        upload: async (path, content, { signal }) => {
          await files.upload(path, content.open, { ...content, signal });
        },
        head: (path, { signal }) => files.head(files.urlOf(path), { signal }),
      },
    }),
    read: async (key) => {
      if (!(await files.head(files.urlOf(key)))) return undefined;
      const { path } = await files.download(files.urlOf(key), join(downloads, "file"));
      return readFile(path);
    },
    leftovers: async () => [],
    refuse: () => server.close(),
    dispose: async () => {
      await session.close();
      await server.close();
      await rm(downloads, { recursive: true, force: true });
    },
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

describeObjectStoreContract("presigned addresses", async () => {
  const files = new Map<string, Buffer>();
  let handler = plainPutServer(files);
  const server = await serveWire((request) => handler(request));
  const transport = undiciTransport();
  return {
    store: new PresignedObjectStore({
      tickets: {
        describe: () => "a test's signer",
        uriOf: (name) => `s3://bucket/${name}`,
        objectKeyOf: (name) => name,
        ask: ({ fileName }) =>
          Promise.resolve({ url: `${server.url}/${encodeURIComponent(fileName)}?sig=1`, objectKey: fileName, expiresInMs: 60_000 }),
      },
      transport,
      clock: systemClock,
    }),
    read: async (key) => files.get(key.slice(key.lastIndexOf("/") + 1)),
    leftovers: async () => [],
    hang: () => {
      const hung = hanging();
      handler = hung.handler;
      return hung;
    },
    refuse: () => server.close(),
    dispose: async () => {
      await transport.close();
      await server.close();
    },
  };
});

/** Keeps what is put, unless the digest that came along is another's. */
function plainPutServer(files: Map<string, Buffer>): WireHandler {
  return async ({ url, headers, body }) => {
    const bytes = Buffer.from(await readBytes(body));
    if (createHash("md5").update(bytes).digest("base64") !== headers["content-md5"]) return { status: 400, body: "<Code>BadDigest</Code>" };
    files.set(decodeURIComponent(url.pathname.slice(1)), bytes);
    return { status: 200 };
  };
}
