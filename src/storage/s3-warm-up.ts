/**
 * The first requests through the AWS client and Node's own compile most of both, which held a training thread for 14 to 20 ms in
 * the middle of an epoch. One request of each kind an upload makes is carried out while nobody trains yet, over a connection
 * that ends within this process.
 */
import type { Agent } from "node:http";
import { Duplex } from "node:stream";
import { createS3Client, type AwsModules } from "./s3-client.js";
import type { S3Settings } from "./s3-settings.js";

/** Never rejects, touches no network and reads no credentials: the keys it signs with are made up. */
export async function warmUp(aws: AwsModules, settings: S3Settings): Promise<void> {
  const { s3 } = aws;
  const { bucket, isAws, region = "us-east-1" } = settings;
  const nowhere = { endpoint: "http://warm-up.invalid", region, credentials: NOBODY };
  const client = createS3Client(aws, { bucket, prefix: "", isAws, uriBase: "", ...nowhere }, { httpAgent: innerAgent() });
  const object = { Bucket: bucket, Key: "warm-up" };
  const upload = { ...object, UploadId: "none" };
  await Promise.allSettled([
    client.send(new s3.CreateMultipartUploadCommand(object)),
    client.send(new s3.UploadPartCommand({ ...upload, PartNumber: 1, Body: Buffer.alloc(1), ContentLength: 1 })),
    client.send(new s3.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: [{ PartNumber: 1, ETag: "none" }] } })),
  ]);
  client.destroy();
}

const NOBODY = { accessKeyId: "nobody", secretAccessKey: "nothing" };

/** An agent whose connections are {@link InnerConnection}s. */
function innerAgent(): Agent {
  // Loaded here and not at the top: importing the package must stay cheap.
  const http = process.getBuiltinModule("node:http");
  class InnerAgent extends http.Agent {
    override createConnection(): Duplex {
      return new InnerConnection();
    }
  }
  return new InnerAgent({ keepAlive: false });
}

const BODY = "<Result><UploadId>none</UploadId></Result>";
const ANSWER = `HTTP/1.1 200 OK\r\nETag: "none"\r\nContent-Type: application/xml\r\nContent-Length: ${String(BODY.length)}\r\n\r\n${BODY}`;

/** Takes a request and answers it once. */
class InnerConnection extends Duplex {
  #isAnswered = false;

  override _read(): void {
    // What there is to read is pushed with the answer.
  }

  override _write(_chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.#isAnswered) {
      this.#isAnswered = true;
      setImmediate(() => this.push(ANSWER));
    }
    done();
  }

  /** What a client does with its socket and means nothing here. */
  setKeepAlive(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}
