/**
 * The frame around every answer of the API server. Some failures come without it (415, a few 500, anything a proxy
 * says), so a reader must be ready for a body of any kind (`clearml-protocol`, 1.2).
 */
import * as z from "zod/mini";
import { lazily } from "./endpoint.js";

/** Schema of the frame; `data` is left to the endpoint's own schema. */
export const envelope = lazily(() =>
  z.looseObject({
    meta: z.looseObject({
      id: z.string(),
      trx: z.nullish(z.string()),
      endpoint: z.nullish(
        z.looseObject({
          name: z.nullish(z.string()),
          // A float when the requested version is below 2.1.
          requested_version: z.nullish(z.union([z.string(), z.number()])),
          actual_version: z.nullish(z.union([z.string(), z.number()])),
        }),
      ),
      result_code: z.int(),
      result_subcode: z.nullish(z.int()),
      result_msg: z.nullish(z.string()),
      error_stack: z.nullish(z.unknown()),
      error_data: z.nullish(z.unknown()),
    }),
    data: z.nullish(z.unknown()),
  }),
);

/** `meta` and `data` of an answer. */
export type Envelope = z.output<ReturnType<typeof envelope>>;

/** The frame of an answer's text, or undefined when it is something else: HTML of a proxy, plain text, half an answer. */
export function parseEnvelope(bodyText: string): Envelope | undefined {
  let json: unknown;
  try {
    json = JSON.parse(bodyText);
  } catch {
    return undefined;
  }
  const parsed = envelope().safeParse(json);
  return parsed.success ? parsed.data : undefined;
}
