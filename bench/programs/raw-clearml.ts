/** ClearML by bare `fetch`, as a user without a client would call it. */

/** One call of the API; answers its `data`. */
export type RawCall = (endpoint: string, body: object) => Promise<Readonly<Record<string, unknown>>>;

/** Logs in with the usual variables. */
export async function rawClearML(): Promise<RawCall> {
  const { CLEARML_API_HOST: host = "", CLEARML_API_ACCESS_KEY: key = "", CLEARML_API_SECRET_KEY: secret = "" } = process.env;
  const login = await fetch(`${host}/auth.login`, {
    headers: { authorization: `Basic ${Buffer.from(`${key}:${secret}`).toString("base64")}` },
  });
  const { data } = (await login.json()) as { data: { token: string } };
  return async (endpoint, body) => {
    const answered = await fetch(`${host}/${endpoint}`, {
      method: "POST",
      headers: { authorization: `Bearer ${data.token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await answered.text();
    if (answered.status !== 200) throw new Error(`${endpoint} answered ${String(answered.status)}: ${text.slice(0, 300)}`);
    return (JSON.parse(text) as { data: Readonly<Record<string, unknown>> }).data;
  };
}
