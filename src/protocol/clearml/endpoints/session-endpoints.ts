/** Login, probe and user (`clearml-protocol`, 1.8 and 2.1). */
import * as z from "zod/mini";
import { endpoint } from "../endpoint.js";
import { integer, text } from "../field-types.js";

const nothing = () => z.object({});
const anything = () => z.looseObject({});

export const SESSION_ENDPOINTS = {
  /** Sent with Basic credentials, or with a token that is still valid. */
  "auth.login": endpoint(
    () => z.object({ expiration_sec: integer() }),
    () => z.looseObject({ token: z.string() }),
  ),
  /** Revokes the session of the token in use. */
  "auth.logout": endpoint(nothing, anything),
  /** Needs no login; answers with what was sent, and a message. */
  "debug.ping": endpoint(anything, anything),
  "server.info": endpoint(nothing, () =>
    z.looseObject({ version: text(), build: text(), commit: text(), api_version: text(), uid: text() }),
  ),
  "users.get_current_user": endpoint(nothing, () =>
    z.looseObject({
      user: z.looseObject({
        id: z.string(),
        name: text(),
        given_name: text(),
        family_name: text(),
        role: text(),
        company: z.nullish(z.union([z.string(), z.looseObject({ id: text(), name: text() })])),
      }),
      getting_started: z.nullish(z.unknown()),
      settings: z.nullish(z.looseObject({})),
    }),
  ),
} as const;
