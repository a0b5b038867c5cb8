/** `server.info` and `debug.ping`: is somebody there, and who. */
import type { ResponseOf } from "../protocol/clearml/endpoints.js";
import type { CallOptions, ClearMLSession } from "./session.js";

/** The server itself. */
export class ServerService {
  readonly #session: ClearMLSession;

  constructor(session: ClearMLSession) {
    this.#session = session;
  }

  /** Answers without a login: the first thing to try when nothing works. */
  ping(options?: CallOptions): Promise<ResponseOf<"debug.ping">> {
    return this.#session.call("debug.ping", {}, options);
  }

  /** Version and build. Needs a login, so it proves the credentials too. */
  info(options?: CallOptions): Promise<ResponseOf<"server.info">> {
    return this.#session.call("server.info", {}, options);
  }
}
