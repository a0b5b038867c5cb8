/** What the `*_many` endpoints answer: 200 even when every id failed (`clearml-protocol`, 3.7). */
import * as z from "zod/mini";
import { lazily } from "./endpoint.js";
import { text } from "./field-types.js";

/** Which ids went well and which did not. */
export const manyResponse = lazily(() =>
  z.looseObject({
    succeeded: z.nullish(z.array(z.looseObject({ id: z.string() }))),
    failed: z.nullish(
      z.array(
        z.looseObject({
          id: z.string(),
          error: z.nullish(z.looseObject({ /** Status and subcode. */ codes: z.nullish(z.array(z.number())), msg: text() })),
        }),
      ),
    ),
  }),
);
