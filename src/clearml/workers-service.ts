/** `workers.*`: who runs tasks, and how a worker of one's own makes itself known (`clearml-protocol`, 7). */
import type { RequestOf, ResponseOf } from "../protocol/clearml/endpoints.js";
import type { CallOptions, ClearMLSession } from "./session.js";

/** Workers. Methods are named as the endpoints; their errors are those of {@link ClearMLSession.call}. */
export class WorkersService {
  readonly #session: ClearMLSession;

  constructor(session: ClearMLSession) {
    this.#session = session;
  }

  /** Workers that were heard of within `last_seen` seconds (default 3600). The server does not page them. */
  getAll(request: RequestOf<"workers.get_all"> = {}, options?: CallOptions): Promise<ResponseOf<"workers.get_all">> {
    return this.#session.call("workers.get_all", request, options);
  }

  register(request: RequestOf<"workers.register">, options?: CallOptions): Promise<ResponseOf<"workers.register">> {
    return this.#session.call("workers.register", request, options);
  }

  unregister(request: RequestOf<"workers.unregister">, options?: CallOptions): Promise<ResponseOf<"workers.unregister">> {
    return this.#session.call("workers.unregister", request, options);
  }

  statusReport(request: RequestOf<"workers.status_report">, options?: CallOptions): Promise<ResponseOf<"workers.status_report">> {
    return this.#session.call("workers.status_report", request, options);
  }
}
