/** A ClearML client without any of our code: plain HTTP as the protocol notes say, so that tests of the server do not lean on our client. */

/** What reaches a server. */
export interface ServerAddress {
  readonly CLEARML_API_HOST: string;
  readonly CLEARML_FILES_HOST: string;
  readonly CLEARML_API_ACCESS_KEY: string;
  readonly CLEARML_API_SECRET_KEY: string;
}

/** One session. */
export class RawClearML {
  readonly #address: ServerAddress;
  readonly #token: string;

  private constructor(address: ServerAddress, token: string) {
    this.#address = address;
    this.#token = token;
  }

  /** Logs in with the keys. */
  static async login(address: ServerAddress): Promise<RawClearML> {
    const credentials = Buffer.from(`${address.CLEARML_API_ACCESS_KEY}:${address.CLEARML_API_SECRET_KEY}`).toString("base64");
    const answer = await send(`${address.CLEARML_API_HOST}/auth.login`, { Authorization: `Basic ${credentials}` }, "{}");
    return new RawClearML(address, (answer as { token: string }).token);
  }

  /** Calls `service.action` and gives the envelope's data. */
  call<T = Record<string, unknown>>(endpoint: string, body: object): Promise<T> {
    return send(
      `${this.#address.CLEARML_API_HOST}/v2.34/${endpoint}`,
      this.#headers("application/json"),
      JSON.stringify(body),
    ) as Promise<T>;
  }

  /** Sends events as one batch. */
  async addEvents(events: readonly object[]): Promise<void> {
    const lines = events.map((event) => JSON.stringify(event)).join("\n");
    await send(`${this.#address.CLEARML_API_HOST}/v2.34/events.add_batch`, this.#headers("application/json-lines"), lines);
  }

  /** Stores bytes at the file server and gives their address. */
  async upload(path: string, content: string | Buffer): Promise<string> {
    const form = new FormData();
    form.append(path, new Blob([typeof content === "string" ? content : new Uint8Array(content)]), path.split("/").at(-1));
    const response = await fetch(this.#address.CLEARML_FILES_HOST, {
      method: "POST",
      headers: { Authorization: `Bearer ${this.#token}` },
      body: form,
    });
    if (!response.ok) throw new Error(`The file server answered ${String(response.status)}: ${await response.text()}`);
    return `${this.#address.CLEARML_FILES_HOST}/${path}`;
  }

  #headers(contentType: string): Record<string, string> {
    return { Authorization: `Bearer ${this.#token}`, "Content-Type": contentType };
  }
}

async function send(url: string, headers: Record<string, string>, body: string): Promise<unknown> {
  const response = await fetch(url, { method: "POST", headers, body });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${String(response.status)}: ${text}`);
  return (JSON.parse(text) as { data: unknown }).data;
}
