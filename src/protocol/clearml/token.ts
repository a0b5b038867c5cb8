/**
 * The token that `auth.login` gives: a JSON Web Token whose payload a client reads and whose signature only the server
 * can check (`clearml-protocol`, 1.7 and 2.1).
 */
import * as z from "zod/mini";
import { lazily } from "./endpoint.js";
import { flag, integer, number, text } from "./field-types.js";

/** Schema of the payload. */
export const tokenPayload = lazily(() =>
  z.looseObject({
    /** End of validity, seconds since the epoch. */
    exp: number(),
    /** Time of issue, seconds since the epoch. */
    iat: number(),
    session_id: text(),
    identity: z.nullish(z.looseObject({ user: text(), company: text(), role: text(), user_name: text(), company_name: text() })),
    env: text(),
    auth_type: z.nullish(z.unknown()),
    /** Newest API version of the server; an older server does not say. */
    api_version: text(),
    server_version: text(),
    server_build: text(),
    /** `basic` for the open server. */
    feature_set: text(),
    entities: z.nullish(z.unknown()),
    revoked: flag(),
    expiration_sec: integer(),
  }),
);

/** What a token says of itself. */
export type TokenPayload = z.output<ReturnType<typeof tokenPayload>>;

/** The payload of a token, unverified; undefined when the text is not such a token. */
export function decodeToken(token: string): TokenPayload | undefined {
  const [, payload] = token.split(".");
  if (payload === undefined) return undefined;
  try {
    const parsed = tokenPayload().safeParse(JSON.parse(Buffer.from(payload, "base64url").toString("utf8")));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
