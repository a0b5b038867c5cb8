/**
 * How much of itself a server shows to whoever asks: its workspaces (3.10 and later), and whether its own authentication holds
 * something back, which no list says. Reads.
 */
import * as z from "zod/mini";
import type { Query } from "./files-place.js";
import { parseMlflowJson } from "./mlflow-json.js";

/** Asks a server: the text of a 200, or the status of a refusal. Rejects for what is no answer, and for a refused login. */
export type AskServer = (path: string, query: Query) => Promise<{ readonly text: string } | { readonly status: number }>;

/** What a server says of itself and of its workspaces. */
export interface ListedWorkspaces {
  /** Undefined: it has none, or is not known to have. */
  readonly names: readonly string[] | undefined;
  /** Why they are not known. */
  readonly limit: string | undefined;
  /** In what it stores, `SqlStore` for one. Undefined: it does not say, as before 3.10. */
  readonly storeType: string | undefined;
}

/** Where a server says what it can do and what it stores in, without a login; 3.10 and later. */
const SERVER_INFO = "/api/3.0/mlflow/server-info";
const WORKSPACES = "/api/3.0/mlflow/workspaces";
const CURRENT_USER = "/api/2.0/mlflow/users/current";
const USER = "/api/2.0/mlflow/users/get";

const serverInfo = z.looseObject({
  store_type: z.optional(z.nullable(z.string())),
  workspaces_enabled: z.optional(z.boolean()),
});
const workspacesAnswer = z.looseObject({ workspaces: z._default(z.array(z.looseObject({ name: z.string() })), []) });
const userAnswer = z.looseObject({ user: z.looseObject({ username: z.optional(z.string()), is_admin: z.boolean() }) });

/** The workspaces that these credentials are shown. A server that does not know the question is older than they are. */
export async function listWorkspaces(ask: AskServer): Promise<ListedWorkspaces> {
  const info = await ask(SERVER_INFO, {});
  const said = "text" in info ? parsed(info.text, serverInfo) : undefined;
  const storeType = said?.store_type ?? undefined;
  const unlisted = (limit?: string): ListedWorkspaces => ({ names: undefined, limit, storeType });
  if ("status" in info && info.status === 404) return unlisted();
  if (said === undefined) return unlisted(unanswered("whether there are workspaces", SERVER_INFO, info));
  if (said.workspaces_enabled !== true) return unlisted();
  const listed = await ask(WORKSPACES, {});
  const answer = "text" in listed ? parsed(listed.text, workspacesAnswer) : undefined;
  if (answer === undefined) return unlisted(unanswered("which workspaces there are", WORKSPACES, listed));
  return { names: answer.workspaces.map(({ name }) => name), limit: undefined, storeType };
}

/**
 * Why MLflow's own authentication may leave something out of every list; undefined when the user is an administrator, or the server
 * has no such authentication.
 *
 * @param username - For older releases, which tell of a user by name alone.
 */
export async function limitOfUser(ask: AskServer, username: string | undefined): Promise<string | undefined> {
  const current = await ask(CURRENT_USER, {});
  let answer = "text" in current ? parsed(current.text, userAnswer) : undefined;
  if (answer === undefined && username !== undefined) {
    const named = await ask(USER, { username });
    answer = "text" in named ? parsed(named.text, userAnswer) : undefined;
  }
  if (answer === undefined || answer.user.is_admin) return undefined;
  const name = JSON.stringify(answer.user.username ?? username ?? "");
  return `the user ${name} is no administrator: MLflow leaves out what such a user may not read, without a word`;
}

function unanswered(what: string, path: string, answer: { readonly text: string } | { readonly status: number }): string {
  return `${what} cannot be told: ${path} answers ${"status" in answer ? String(answer.status) : "something else than MLflow does"}`;
}

function parsed<T extends z.ZodMiniType>(text: string, schema: T): z.output<T> | undefined {
  try {
    return schema.parse(parseMlflowJson(text));
  } catch {
    // A page of something before the server, or of a release that answers otherwise.
    return undefined;
  }
}
