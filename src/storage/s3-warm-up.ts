/**
 * The first request through the AWS client compiles most of it, which held a training thread for 14 to 20 ms in the middle
 * of an epoch. One request of each kind an upload makes is prepared and signed while nobody trains yet, and goes nowhere.
 */
import { createS3Client, type AwsModules } from "./s3-client.js";
import type { S3Settings } from "./s3-settings.js";

/** Never rejects, touches no network and reads no credentials: the keys it signs with are made up. */
export async function warmUp(aws: AwsModules, settings: S3Settings): Promise<void> {
  const { s3 } = aws;
  const client = createS3Client(aws, { ...settings, region: settings.region ?? "us-east-1", credentials: NOBODY }, {});
  client.config.requestHandler.handle = () => Promise.reject(new Error("prepared and signed, and not sent"));
  const object = { Bucket: settings.bucket, Key: "warm-up" };
  const upload = { ...object, UploadId: "none" };
  await Promise.allSettled([
    client.send(new s3.CreateMultipartUploadCommand(object)),
    client.send(new s3.UploadPartCommand({ ...upload, PartNumber: 1, Body: Buffer.alloc(1), ContentLength: 1 })),
    client.send(new s3.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: [{ PartNumber: 1, ETag: "none" }] } })),
  ]);
  client.destroy();
}

const NOBODY = { accessKeyId: "nobody", secretAccessKey: "nothing" };
