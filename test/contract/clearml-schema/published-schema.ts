/**
 * The API server's own schema, where it is present beside the project, as validators. What it leaves open is closed
 * here: a field that it does not name is a finding too, unless a reason for it is written down in `known-gaps.ts`.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";

type Schema = Record<string, any>;

interface PublishedVersion {
  readonly request?: Schema;
  readonly response?: Schema;
  readonly batch_request?: { readonly action: string };
}

interface PublishedService {
  readonly endpoints: Record<string, { readonly versions: Record<string, PublishedVersion> }>;
  readonly definitions?: Record<string, Schema>;
}

/** Where the schema would be: it is read there and never copied into the project. */
export const SCHEMA_FILE = join(import.meta.dirname, "../../../../shared/clearml-api/server-2.3.0.json");

/** One way in which data differ from the schema. */
export interface Finding {
  /** JSON pointer into the data, numbers and map keys replaced by `*`. */
  readonly path: string;
  readonly message: string;
}

/** An object with named properties and nothing said about others is taken at its word. */
function closed(schema: any): any {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const copy: Schema = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, key === "default" || key === "enum" ? value : closed(value)]),
  );
  // In one place the published file has a text where JSON schema wants true, false or a schema.
  if (typeof copy["additionalProperties"] === "string")
    copy["additionalProperties"] = copy["additionalProperties"].toLowerCase() === "true";
  const isOpen =
    copy["properties"] !== undefined &&
    copy["additionalProperties"] === undefined &&
    ["anyOf", "allOf", "$ref"].every((key) => copy[key] === undefined);
  return isOpen ? { ...copy, additionalProperties: false } : copy;
}

function newest(versions: Record<string, PublishedVersion>): PublishedVersion {
  const order = (version: string): number => {
    const [major = 0, minor = 0] = version.split(".").map(Number);
    return major * 1000 + minor;
  };
  const [best] = Object.entries(versions).sort(([a], [b]) => order(b) - order(a));
  if (!best) throw new Error("an endpoint without versions");
  return best[1];
}

function finding(error: ErrorObject): Finding {
  const extra = error.params["additionalProperty"] ?? error.params["missingProperty"];
  const path = error.instancePath.replaceAll(/\/(?:\d+|[0-9a-f]{32})(?=\/|$)/g, "/*");
  return { path, message: `${error.message ?? error.keyword}${extra === undefined ? "" : ` (${String(extra)})`}` };
}

/** The schema as validators, or undefined when the file is not there. */
export class PublishedSchema {
  readonly #services: Record<string, PublishedService>;
  readonly #validators = new Map<string, ValidateFunction>();

  private constructor(services: Record<string, PublishedService>) {
    this.#services = services;
  }

  /** Every endpoint, as `service.action`. */
  endpoints(): readonly string[] {
    return Object.entries(this.#services).flatMap(([service, { endpoints }]) =>
      Object.keys(endpoints).map((action) => `${service}.${action}`),
    );
  }

  /** The first API version that has an endpoint; undefined when none has. */
  since(endpoint: string): string | undefined {
    const [service = "", action = ""] = endpoint.split(".");
    const versions = Object.keys(this.#services[service]?.endpoints[action]?.versions ?? {});
    return versions.sort((one, other) => one.localeCompare(other, "en", { numeric: true }))[0];
  }

  static load(): PublishedSchema | undefined {
    if (!existsSync(SCHEMA_FILE)) return undefined;
    return new PublishedSchema((JSON.parse(readFileSync(SCHEMA_FILE, "utf8")) as { services: Record<string, PublishedService> }).services);
  }

  has(endpoint: string): boolean {
    return this.#version(endpoint) !== undefined;
  }

  /** What is wrong with a request; of a batch, with one of its lines. */
  request(endpoint: string, body: unknown): readonly Finding[] {
    const version = this.#version(endpoint);
    const [service = ""] = endpoint.split(".");
    return version?.batch_request
      ? this.request(`${service}.${version.batch_request.action}`, body)
      : this.#check(endpoint, "request", version?.request, body);
  }

  /** What is wrong with the data of an answer. */
  response(endpoint: string, data: unknown): readonly Finding[] {
    return this.#check(endpoint, "response", this.#version(endpoint)?.response, data);
  }

  #version(endpoint: string): PublishedVersion | undefined {
    const [service = "", action = ""] = endpoint.split(".");
    const found = this.#services[service]?.endpoints[action];
    return found && newest(found.versions);
  }

  #check(endpoint: string, side: string, schema: Schema | undefined, data: unknown): readonly Finding[] {
    if (!schema) return [];
    const key = `${endpoint} ${side}`;
    let validate = this.#validators.get(key);
    if (!validate) {
      const definitions = this.#services[endpoint.split(".")[0] ?? ""]?.definitions ?? {};
      validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile({
        ...closed(schema),
        definitions: closed(definitions),
      });
      this.#validators.set(key, validate);
    }
    return validate(data) ? [] : (validate.errors ?? []).map(finding);
  }
}
