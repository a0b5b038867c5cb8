/** The doctor's look at signed uploads against a server that knows nothing of it: what it finds, and that nothing stays. */
import { createHash, createHmac } from "node:crypto";
import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Finding } from "../../../src/cli/doctor/finding.js";
import { doctor } from "../../support/doctor-bench.js";
import { startPlatformReceiver } from "../../support/platform-receiver.js";
import { managerEnvironment } from "../../support/platform-trainer.js";
import { BUCKET, startRealS3, WRITER, type RealS3 } from "../../support/real-s3.js";

let s3: RealS3;
beforeAll(async () => {
  s3 = await startRealS3();
}, 900_000);
afterAll(async () => {
  await s3.close();
});

const KEY = "checkpoints/job-123/.trainer-sdk-doctor";

/** An address to put an object to, signed as a backend does (AWS signature, version 4, in the query). */
function presigned(host: string, { accessKeyId, secretAccessKey }: typeof WRITER): string {
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const scope = `${stamp.slice(0, 8)}/us-east-1/s3/aws4_request`;
  const query = new URLSearchParams({
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": `${accessKeyId}/${scope}`,
    "X-Amz-Date": stamp,
    "X-Amz-Expires": "600",
    "X-Amz-SignedHeaders": "content-type;host",
  });
  const request = `PUT\n/${BUCKET}/${KEY}\n${query.toString()}\ncontent-type:application/octet-stream\nhost:${host}\n\ncontent-type;host\nUNSIGNED-PAYLOAD`;
  const text = `AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${createHash("sha256").update(request).digest("hex")}`;
  const hmac = (key: string | Buffer, message: string): Buffer => createHmac("sha256", key).update(message).digest();
  const key = scope.split("/").reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
  return `http://${host}/${BUCKET}/${KEY}?${query.toString()}&X-Amz-Signature=${hmac(key, text).toString("hex")}`;
}

async function putFinding(keys: typeof WRITER): Promise<Finding | undefined> {
  await using receiver = await startPlatformReceiver();
  receiver.before = ({ kind }) =>
    kind === "upload-url"
      ? { status: 200, body: JSON.stringify({ upload_url: presigned(s3.host, keys), object_key: KEY, expires_in: 600 }) }
      : undefined;
  const { text } = await doctor(managerEnvironment(receiver.callbackUrl, { TRAINER_JOURNAL_DIR: "/tmp" }), { json: true });
  return (JSON.parse(text) as { findings: Finding[] }).findings.find(({ id }) => id === "storage.put");
}

it("begins an upload at an address that is signed well, and leaves nothing in the store", async () => {
  expect(await putFinding(WRITER)).toMatchObject({ severity: "ok", message: expect.stringContaining("nothing is stored") as string });
  expect((await s3.admin.send(new ListObjectsV2Command({ Bucket: BUCKET }))).KeyCount).toBe(0);
});

it.each([
  ["InvalidAccessKeyId", { ...WRITER, accessKeyId: "unknown" }],
  ["SignatureDoesNotMatch", { ...WRITER, secretAccessKey: "another-secret" }],
])("is told by the store itself of an address that was signed with keys it does not know: %s", async (code, keys) => {
  expect(await putFinding(keys)).toMatchObject({
    severity: "error",
    message: expect.stringMatching(new RegExp(`refuses what the backend signed: PUT .* answered 403 \\(${code}\\)`)) as string,
  });
  expect((await s3.admin.send(new ListObjectsV2Command({ Bucket: BUCKET }))).KeyCount).toBe(0);
});
