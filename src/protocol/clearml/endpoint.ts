/**
 * The form in which an endpoint of ClearML is written down: its request and its answer, as schemas that client and
 * embedded server share. They are built at first use and kept: building all of them at import would cost every program
 * that loads the package some 15 ms, and most programs call a dozen endpoints.
 *
 * `zod/mini` for the same reason: loading it costs a tenth of what `zod` costs.
 */
import type * as z from "zod/mini";

/** What a request is checked by and what an answer is read by. */
export interface Endpoint<Request extends z.ZodMiniType = z.ZodMiniType, Response extends z.ZodMiniType = z.ZodMiniType> {
  /** `batch`: the body is JSON lines (`application/json-lines`) and {@link Endpoint.request} is the schema of one line. */
  readonly kind: "single" | "batch";
  /**
   * As the server sees it: unknown fields at the top are ignored, null is as if the field were not there, and the
   * documents inside are strict (`clearml-protocol`, 1.3).
   */
  readonly request: Request;
  /** Tolerant: fields that this version of the package does not know are kept. */
  readonly response: Response;
}

/** Calls `build` once, at the first use. */
export function lazily<T>(build: () => T): () => T {
  let built: { readonly value: T } | undefined;
  return () => (built ??= { value: build() }).value;
}

/** An endpoint that takes one JSON object. */
export function endpoint<Request extends z.ZodMiniType, Response extends z.ZodMiniType>(
  request: () => Request,
  response: () => Response,
): Endpoint<Request, Response> {
  return build("single", request, response);
}

/** An endpoint that takes JSON lines; `line` is the schema of one of them. */
export function batchEndpoint<Line extends z.ZodMiniType, Response extends z.ZodMiniType>(
  line: () => Line,
  response: () => Response,
): Endpoint<Line, Response> {
  return build("batch", line, response);
}

function build<Request extends z.ZodMiniType, Response extends z.ZodMiniType>(
  kind: "single" | "batch",
  request: () => Request,
  response: () => Response,
): Endpoint<Request, Response> {
  const builtRequest = lazily(request);
  const builtResponse = lazily(response);
  return {
    kind,
    get request() {
      return builtRequest();
    },
    get response() {
      return builtResponse();
    },
  };
}
