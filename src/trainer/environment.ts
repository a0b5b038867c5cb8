/**
 * What the platform says through environment variables. Read once, by `init`, from the environment that it was given;
 * every problem is collected and named, a bad variable counts as absent, and the rest stays usable.
 */
import { readFileSync } from "node:fs";
import * as z from "zod";
import { describeError, type Issue } from "../base/errors.js";
import { onFirstUse } from "../base/on-first-use.js";

/** An environment: `process.env`, or what a test says. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Names of the destinations that this version can write to. */
export const SINK_NAMES = ["platform", "clearml", "mlflow"] as const;
export type SinkName = (typeof SINK_NAMES)[number];

const jsonObject = onFirstUse(() =>
  z.string().transform((text, context): Record<string, unknown> => {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
      context.addIssue({ code: "custom", message: "must be a JSON object" });
    } catch (error) {
      context.addIssue({ code: "custom", message: `must be a JSON object (${describeError(error)})` });
    }
    return z.NEVER;
  }),
);

/** One schema a variable, so that each stands or falls alone. */
const variables = onFirstUse(() => {
  const text = z.string();
  const httpUrl = z
    .url({ protocol: /^https?$/, error: "must be an http or https URL, such as http://backend:8000/callbacks/42" })
    .transform((url) => url.replace(/\/+$/, ""));
  const sinkList = z.string().transform((text, context): readonly SinkName[] => {
    const names = text
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "");
    const unknown = names.filter((name) => !(SINK_NAMES as readonly string[]).includes(name));
    for (const name of unknown)
      context.addIssue({ code: "custom", message: `knows no sink ${JSON.stringify(name)}; there are ${SINK_NAMES.join(", ")}` });
    return unknown.length > 0 ? z.NEVER : ([...new Set(names)] as SinkName[]);
  });

  const gigabytes = z
    .string()
    .transform(Number)
    .pipe(z.number({ error: "must be a number of gigabytes, such as 100" }).positive("must be a number of gigabytes above 0"));
  return {
    JOB_ID: text,
    PROJECT_ID: text,
    OPERATION_TYPE: z.enum(["training", "inference", "evaluation", "export"], {
      error: "must be training, inference, evaluation or export",
    }),
    CALLBACK_URL: httpUrl,
    CALLBACK_TOKEN: text,
    CALLBACK_DIALECT: z.enum(["plan", "platform-v2"], { error: "names no dialect of this version; there are plan and platform-v2" }),
    CLEARML_TASK_ID: text,
    CLEARML_OFFLINE_MODE: z
      .string()
      .regex(/^(1|true|yes|on|y|t|0|false|no|off|n|f)$/i, { error: "must be 1 or 0" })
      .transform((text) => /^(1|true|yes|on|y|t)$/i.test(text)),
    CLEARML_PROJECT: text,
    CLEARML_TASK_NAME: text,
    MLFLOW_EXPERIMENT_NAME: text,
    MLFLOW_EXPERIMENT_ID: text,
    MLFLOW_RUN_ID: text,
    MLFLOW_WORKSPACE: text,
    TRAINER_MLFLOW_FILES: z.enum(["auto", "upload", "link"], { error: "must be auto, upload or link" }),
    CHECKPOINT_URI: text,
    CONFIG: jsonObject(),
    TRAINER_CONFIG_FILE: text,
    TRAINER_SINKS: sinkList,
    TRAINER_JOURNAL_DIR: text,
    TRAINER_HANDOVER_URI: text,
    TRAINER_CACHE_DIR: text,
    TRAINER_CACHE_MAX_GB: gigabytes,
    // The existing platform's own names for the same.
    DATASET_CACHE_DIR: text,
    DATASET_CACHE_MAX_GB: gigabytes,
    TRAINER_TASK_OWNER: z.enum(["trainer", "worker"], { error: "must be trainer or worker" }),
    TRAINER_FENCE: z
      .string()
      .regex(/^[1-9]\d{0,14}$/, { error: "must be a whole number of 1 or more" })
      .transform(Number),
  } as const;
});

type Variables = ReturnType<typeof variables>;

/** The variables' values, parsed; a missing or bad one is absent. */
export type EnvironmentValues = { readonly [Name in keyof Variables]?: z.output<Variables[Name]> };

/** Values of these never stand in a message. */
const SECRET = /TOKEN|SECRET|KEY|CONFIG$/;

/** Reads them all. An empty value counts as unset, as in ClearML's own client. Issues carry the variable's name as path. */
export function readEnvironment(env: Environment): { values: EnvironmentValues; issues: readonly Issue[] } {
  const values: Record<string, unknown> = {};
  const issues: Issue[] = [];
  for (const [name, schema] of Object.entries(variables())) {
    const text = env[name]?.trim();
    if (text === undefined || text === "") continue;
    const parsed = schema.safeParse(text);
    if (parsed.success) values[name] = parsed.data;
    else
      for (const issue of parsed.error.issues)
        issues.push({ path: name, message: `${issue.message}${SECRET.test(name) ? "" : `, not ${JSON.stringify(text.slice(0, 120))}`}` });
  }
  const file = values["TRAINER_CONFIG_FILE"] as string | undefined;
  if (file !== undefined && values["CONFIG"] === undefined) {
    try {
      const parsed = jsonObject().safeParse(readFileSync(file, "utf8"));
      if (parsed.success) values["CONFIG"] = parsed.data;
      else issues.push({ path: "TRAINER_CONFIG_FILE", message: `${file} ${parsed.error.issues[0]?.message ?? "cannot be read"}` });
    } catch (error) {
      issues.push({ path: "TRAINER_CONFIG_FILE", message: `${file} cannot be read: ${describeError(error)}` });
    }
  }
  return { values: values, issues };
}
