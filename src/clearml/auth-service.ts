/** `auth.*` and the user behind the credentials. Logging in needs no call: the session does it when it has to. */
import type { ResponseOf } from "../protocol/clearml/endpoints.js";
import type { CallOptions, ClearMLSession } from "./session.js";

/** Who we are, and no longer being it. */
export class AuthService {
  readonly #session: ClearMLSession;

  constructor(session: ClearMLSession) {
    this.#session = session;
  }

  /** A fresh token, whatever the session holds. */
  async login(options: Pick<CallOptions, "signal"> = {}): Promise<string> {
    return this.#session.token(options.signal, await this.#session.token(options.signal));
  }

  /** Revokes the token in use. The session logs in again at its next call. */
  logout(options?: CallOptions): Promise<ResponseOf<"auth.logout">> {
    return this.#session.call("auth.logout", {}, options);
  }

  /** `users.get_current_user`: the user whose credentials are used. */
  getCurrentUser(options?: CallOptions): Promise<ResponseOf<"users.get_current_user">> {
    return this.#session.call("users.get_current_user", {}, options);
  }
}
