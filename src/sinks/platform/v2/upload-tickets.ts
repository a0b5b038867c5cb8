/** The existing platform's backend as the one who signs addresses (`platform-protocol`, 2.2). Training jobs alone have them. */
import * as z from "zod";
import { UploadError } from "../../../base/errors.js";
import { onFirstUse } from "../../../base/on-first-use.js";
import type { UploadTicketPort } from "../../../storage/presigned-object-store.js";
import { parseJson } from "../../../base/json.js";
import type { CallbackClient } from "../callback-client.js";

export interface UploadTicketsOptions {
  readonly client: CallbackClient;
  /** Of the training job. */
  readonly jobId: number;
  /** `INTERNAL_BUCKET_CHECKPOINTS`. Default `training-checkpoints`. */
  readonly bucket: string;
}

const ticketSchema = onFirstUse(() =>
  z.looseObject({
    upload_url: z.url({ protocol: /^https?$/ }),
    object_key: z.string(),
    expires_in: z.number().positive(),
  }),
);

/** Asks anew for each file: an address is never kept. */
export function uploadTickets({ client, jobId, bucket }: UploadTicketsOptions): UploadTicketPort {
  const objectKeyOf = (fileName: string): string => `checkpoints/job-${String(jobId)}/${fileName}`;
  const path = `/training/jobs/${String(jobId)}/checkpoints/upload-url`;
  return {
    describe: () => `backend's presigned addresses of training job ${String(jobId)}`,
    objectKeyOf,
    uriOf: (fileName) => `s3://${bucket}/${objectKeyOf(fileName)}`,
    async ask({ fileName, contentType }, { signal }) {
      const body = JSON.stringify({ checkpoint_filename: fileName, content_type: contentType });
      const { delivery, response } = await client.post({ path, body }, objectKeyOf(fileName), { signal, ambiguous: false });
      signal.throwIfAborted();
      const failed = `The backend gave no address for ${fileName}`;
      if (delivery.status !== "delivered") {
        const isOutage = delivery.status === "retry" && delivery.cause === "unreachable";
        const code = isOutage ? "STORAGE_UNAVAILABLE" : "UPLOAD_FAILED";
        throw new UploadError(`${failed}: ${delivery.reason}.`, { code, retryable: delivery.status === "retry" });
      }
      const ticket = ticketSchema().safeParse(parseJson(response?.text() ?? ""));
      // What it said is not quoted: a signature may be in it.
      if (!ticket.success)
        throw new UploadError(`${failed}: its answer names no upload_url, object_key and expires_in.`, { retryable: true });
      return { url: ticket.data.upload_url, objectKey: ticket.data.object_key, expiresInMs: ticket.data.expires_in * 1000 };
    },
  };
}
