import { describe, expect, it } from "vitest";
import { decodeToken } from "../../../src/protocol/clearml/token.js";
import { TestClearML } from "../../support/wire-client.js";

async function login(clearml: TestClearML, body: object = {}): Promise<string> {
  return (await clearml.ok("auth.login", body)).token;
}

describe("logging in", () => {
  it("gives a token that says what the official client needs to know", async () => {
    const clearml = new TestClearML();
    const { data, headers } = await clearml.api("/auth.login");
    const payload = decodeToken(data.token)!;
    expect(payload).toMatchObject({ api_version: "2.34", server_version: "2.3.0", feature_set: "basic", identity: { role: "user" } });
    expect(payload.exp! - payload.iat!).toBe(2_592_000);
    expect(headers["set-cookie"]).toMatch(/^clearml_token_basic=.*HttpOnly; SameSite=Lax/);
  });

  it("takes the asked lifetime up to a year, from body or query", async () => {
    const clearml = new TestClearML();
    const payload = decodeToken((await clearml.api("/auth.login?expiration_sec=60")).data.token)!;
    expect(payload.exp! - payload.iat!).toBe(60);
    expect((await clearml.api("auth.login", { expiration_sec: 31_536_001 })).code).toBe("400/12");
  });

  it("is renewed with a token that is still valid", async () => {
    const clearml = new TestClearML();
    const token = await login(clearml);
    expect((await clearml.api("auth.login", {}, { authorization: `Bearer ${token}` })).code).toBe("200/0");
  });
});

describe("a call's credentials", () => {
  it.each([
    ["none", {}, "401/20"],
    ["an unknown scheme", { authorization: "Digest x" }, "401/10"],
    ["malformed Basic", { authorization: `Basic ${Buffer.from("nocolon").toString("base64")}` }, "401/21"],
    ["a wrong secret", { authorization: `Basic ${Buffer.from("KEY:WRONG").toString("base64")}` }, "401/22"],
    ["a token of somebody else", { authorization: "Bearer a.b.c" }, "401/30"],
    ["a cookie of somebody else", { cookie: "clearml_token_basic=a.b.c" }, "401/30"],
  ] as const)("are refused: %s", async (_what, headers, code) => {
    const clearml = new TestClearML();
    const given: Record<string, string> = { authorization: "", ...headers };
    expect((await clearml.api("tasks.get_all", {}, given)).code).toBe(code);
  });

  it("may be the token as Bearer or as cookie, and the header wins", async () => {
    const clearml = new TestClearML();
    const token = await login(clearml);
    expect((await clearml.api("tasks.get_all", {}, { authorization: `Bearer ${token}` })).code).toBe("200/0");
    expect((await clearml.api("tasks.get_all", {}, { authorization: "", cookie: `other=1; clearml_token_basic=${token}` })).code).toBe(
      "200/0",
    );
    expect((await clearml.api("tasks.get_all", {}, { authorization: "Bearer x.y.z", cookie: `clearml_token_basic=${token}` })).code).toBe(
      "401/30",
    );
  });

  it("expire with the token", async () => {
    const clearml = new TestClearML();
    const token = await login(clearml, { expiration_sec: 60 });
    await clearml.clock.advance(59_000);
    expect((await clearml.api("tasks.get_all", {}, { authorization: `Bearer ${token}` })).code).toBe("200/0");
    await clearml.clock.advance(1_000);
    expect((await clearml.api("tasks.get_all", {}, { authorization: `Bearer ${token}` })).code).toBe("401/30");
  });

  it("are refused when somebody has written another end into the token", async () => {
    const clearml = new TestClearML();
    const [head, , signature] = (await login(clearml)).split(".");
    const payload = { ...decodeToken(await login(clearml)), exp: 4_000_000_000 };
    const forged = `${head!}.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.${signature!}`;
    expect((await clearml.api("tasks.get_all", {}, { authorization: `Bearer ${forged}` })).code).toBe("401/30");
  });

  it("end with a logout", async () => {
    const clearml = new TestClearML();
    const [token, other] = [await login(clearml), await login(clearml)];
    await clearml.ok("auth.logout", {}, { authorization: `Bearer ${token}` });
    expect((await clearml.api("tasks.get_all", {}, { authorization: `Bearer ${token}` })).code).toBe("401/30");
    expect((await clearml.api("tasks.get_all", {}, { authorization: `Bearer ${other}` })).code).toBe("200/0");
  });

  it("are not asked for by the probes", async () => {
    const clearml = new TestClearML();
    expect((await clearml.api("debug.ping", {}, { authorization: "" })).code).toBe("200/0");
    expect((await clearml.ok("login.supported_modes", {}, { authorization: "" })).authenticated).toBe(false);
    expect((await clearml.ok("login.supported_modes")).authenticated).toBe(true);
  });

  it("do not open what is for administrators", async () => {
    expect((await new TestClearML().api("server.config")).code).toBe("403/20");
  });
});
