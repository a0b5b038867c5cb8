/** auth, debug, server, login and users: who calls, and who answers. @see clearml-protocol 1.8, 2.1 */
import * as z from "zod/mini";
import { API_VERSION, MAX_TOKEN_LIFETIME_SEC } from "../../../protocol/clearml/limits.js";
import { roleNotAllowed, validationError } from "../api-failure.js";
import { serve, serveOther } from "../call.js";
import type { Call, ServedEndpoint } from "../call.js";
import { project } from "../document-paths.js";
import { SERVER_VERSION, tokenCookie } from "../tokens.js";

const nothing = (): z.ZodMiniType => z.object({});

function user(call: Call): { readonly id: string } {
  const { identity } = call;
  const found = {
    id: identity.user,
    name: identity.user_name,
    given_name: identity.user_name,
    family_name: "",
    role: identity.role,
    company: identity.company,
  };
  return found;
}

function listUsers(
  request: { only_fields?: string[] | null | undefined; id?: unknown; name?: string | null | undefined },
  call: Call,
): object {
  const ids = request.id === null || request.id === undefined ? undefined : [request.id].flat();
  const found = [user(call)]
    .filter((one) => ids === undefined || ids.includes(one.id))
    .filter(() => !request.name || call.identity.user_name.includes(request.name));
  return { users: found.map((one) => project(one, request.only_fields)) };
}

const listRequest = () =>
  z.object({ only_fields: z.nullish(z.array(z.string())), id: z.nullish(z.unknown()), name: z.nullish(z.string()) });

/** The endpoints of these services. */
export const SESSION_SERVICES: readonly ServedEndpoint[] = [
  serve("auth.login", (request, call) => {
    const lifetime = request.expiration_sec ?? undefined;
    if (lifetime !== undefined && (lifetime > MAX_TOKEN_LIFETIME_SEC || lifetime < 1))
      throw validationError(`expiration_sec must be between 1 and ${String(MAX_TOKEN_LIFETIME_SEC)}`);
    const token = call.tokens.issue(lifetime);
    call.setHeader("set-cookie", tokenCookie(token));
    return { token };
  }),
  serve(
    "auth.logout",
    (_request, call) => {
      if (call.token !== undefined) call.tokens.revoke(call.token);
      call.setHeader("set-cookie", tokenCookie(""));
      return {};
    },
    { since: "2.2" },
  ),
  serveOther(
    "auth.validate_token",
    () => z.object({ token: z.string() }),
    (request, call) => {
      const valid = call.tokens.accepts(request.token);
      return valid ? { valid, user: call.identity.user, company: call.identity.company } : { valid };
    },
  ),
  serveOther("auth.get_credentials", nothing, (_request, call) => ({
    credentials: [{ access_key: call.tokens.credentials.accessKey, label: "trainer-sdk dev" }],
  })),
  serveOther("auth.fixed_users_mode", nothing, () => ({ enabled: false, guest: { enabled: false } }), { access: "open" }),
  serve("debug.ping", (_request, call) => ({ msg: "ClearML server", ...call.fields }), { access: "open" }),
  serve("server.info", () => ({ version: SERVER_VERSION, build: "trainer-sdk", commit: "embedded", api_version: API_VERSION })),
  serveOther("server.config", nothing, (_request, call) => {
    throw roleNotAllowed(call.identity.role);
  }),
  serveOther("server.endpoints", nothing, (_request, call) => {
    throw roleNotAllowed(call.identity.role);
  }),
  serveOther("server.report_stats_option", nothing, () => ({ enabled: false, supported: false })),
  serveOther(
    "login.supported_modes",
    nothing,
    (_request, call) => ({
      authenticated: call.authenticated,
      basic: { enabled: false, guest: { enabled: false } },
      sso: {},
      sso_providers: [],
      server_errors: { missed_es_upgrade: false, es_connection_error: false },
    }),
    { access: "optional" },
  ),
  serveOther("login.logout", nothing, (_request, call) => {
    call.setHeader("set-cookie", tokenCookie(""));
    return {};
  }),
  serve("users.get_current_user", (_request, call) => ({
    user: { ...user(call), company: { id: call.identity.company, name: call.identity.company_name } },
    getting_started: {},
    settings: {},
  })),
  serveOther("users.get_all", listRequest, listUsers),
  serveOther("users.get_all_ex", listRequest, listUsers, { since: "2.8" }),
  serveOther("users.get_preferences", nothing, () => ({ preferences: {} })),
];
