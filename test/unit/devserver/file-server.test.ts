import { describe, expect, it } from "vitest";
import { TestClearML, send } from "../../support/wire-client.js";

/** A form with these parts; a part without a file name is a plain field. */
function form(parts: readonly { name: string; fileName?: string; content: string }[]): { headers: Record<string, string>; body: string } {
  const boundary = "the-boundary";
  const body = parts
    .map(
      ({ name, fileName, content }) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${fileName === undefined ? "" : `; filename="${fileName}"`}\r\n\r\n${content}\r\n`,
    )
    .join("");
  return { headers: { "content-type": `multipart/form-data; boundary=${boundary}` }, body: `${body}--${boundary}--\r\n` };
}

function server(): {
  clearml: TestClearML;
  request: (method: string, path: string, call?: { headers?: Record<string, string>; body?: string }) => ReturnType<typeof send>;
  put: (path: string, content: string) => Promise<void>;
} {
  const clearml = new TestClearML();
  const request = (method: string, path: string, call: { headers?: Record<string, string>; body?: string } = {}): ReturnType<typeof send> =>
    send(clearml.server.files, path, { method, ...call, headers: { authorization: clearml.basic, ...call.headers } });
  const put = async (path: string, content: string): Promise<void> => {
    expect((await request("POST", "/", form([{ name: path, fileName: "f", content }]))).status).toBe(200);
  };
  return { clearml, request, put };
}

describe("uploads to the file server", () => {
  it("go to the path that the form field names, whatever the file is called", async () => {
    const { request } = server();
    const answer = await request("POST", "/", form([{ name: "/a b/c%3Ad.txt", fileName: "other.bin", content: "hello" }]));
    expect([answer.status, answer.headers["content-type"], JSON.parse(answer.text)]).toEqual([
      200,
      "text/html; charset=utf-8",
      ["a b/c%3Ad.txt"],
    ]);
    expect((await request("GET", "/a%20b/c%253Ad.txt")).text).toBe("hello");
  });

  it("ignore parts without a file name, and all but the first of one name", async () => {
    const { request } = server();
    const parts = [
      { name: "field", content: "x" },
      { name: "a", fileName: "f", content: "first" },
      { name: "a", fileName: "f", content: "second" },
      { name: "b", fileName: "f", content: "third" },
    ];
    expect(JSON.parse((await request("POST", "/", form(parts))).text)).toEqual(["a", "b"]);
    expect((await request("GET", "/a")).text).toBe("first");
  });

  it("are refused: out of the root, compressed, malformed, cut short, not a form", async () => {
    const { request } = server();
    const good = form([{ name: "a", fileName: "f", content: "x" }]);
    expect((await request("POST", "/", form([{ name: "../a", fileName: "f", content: "x" }]))).status).toBe(404);
    expect((await request("POST", "/", { ...good, headers: { ...good.headers, "content-encoding": "gzip" } })).status).toBe(415);
    expect((await request("POST", "/", { ...good, body: good.body.slice(0, -20) })).status).toBe(400);
    expect((await request("POST", "/", { headers: { "content-type": "application/json" }, body: "{}" })).status).toBe(400);
    expect((await request("GET", "/a")).status).toBe(404);
  });

  it("need a token", async () => {
    const { clearml, request } = server();
    const { token } = await clearml.ok("auth.login");
    const good = form([{ name: "a", fileName: "f", content: "x" }]);
    expect((await request("POST", "/", { ...good, headers: { ...good.headers, authorization: "" } })).status).toBe(401);
    expect((await request("POST", "/", { ...good, headers: { ...good.headers, authorization: `Bearer ${token}` } })).status).toBe(200);
    expect((await request("GET", "/a", { headers: { authorization: "", cookie: `clearml_token_basic=${token}` } })).text).toBe("x");
    expect((await request("GET", "/a", { headers: { authorization: "Bearer nonsense" } })).status).toBe(401);
    expect((await request("GET", "/", { headers: { authorization: "" } })).text).toBe("OK");
  });
});

describe("downloads from the file server", () => {
  it.each([
    ["bytes=0-3", 206, "0123", "bytes 0-3/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=-2", 206, "89", "bytes 8-9/10"],
    ["bytes=5-99", 206, "56789", "bytes 5-9/10"],
    ["bytes=10-", 416, "", "bytes */10"],
    ["nonsense", 200, "0123456789", undefined],
  ])("serve the range %s", async (range, status, text, contentRange) => {
    const { request, put } = server();
    await put("digits", "0123456789");
    const answer = await request("GET", "/digits", { headers: { range } });
    expect([answer.status, answer.text, answer.headers["content-range"]]).toEqual([status, text, contentRange]);
  });

  it("tell size and type without the bytes to HEAD", async () => {
    const { request, put } = server();
    await put("a.json", "{}");
    expect(await request("HEAD", "/a.json")).toMatchObject({
      status: 200,
      text: "",
      headers: { "content-length": "2", "content-type": "application/json" },
    });
    await put("a.csv.gz", "x");
    expect((await request("HEAD", "/a.csv.gz")).headers["content-type"]).toBe("application/octet-stream");
  });

  it("never act as a page of this server, and are attachments when asked", async () => {
    const { request, put } = server();
    await put("page.html", "<script>");
    expect((await request("GET", "/page.html")).headers).toMatchObject({
      "content-security-policy": expect.stringMatching(/^sandbox; default-src 'none';/),
      "x-content-type-options": "nosniff",
    });
    expect((await request("GET", "/page.html?download")).headers["content-disposition"]).toContain("attachment");
  });

  it.each(["/none", "/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/a%00b", "/%"])("answer %s with 404", async (path) => {
    expect((await server().request("GET", path)).status).toBe(404);
  });
});

describe("deletion on the file server", () => {
  it("takes one file, and no folder", async () => {
    const { request, put } = server();
    await put("dir/a", "x");
    expect((await request("DELETE", "/dir")).status).toBe(404);
    expect((await request("DELETE", "/dir/a")).status).toBe(200);
    expect((await request("DELETE", "/dir/a")).status).toBe(404);
  });

  it("takes many by their quoted paths, folders whole", async () => {
    const { request, put } = server();
    await put("a b/one", "1");
    await put("a b/two", "2");
    await put("c", "3");
    const answer = await request("POST", "/delete_many", { body: JSON.stringify({ files: ["a%20b", "none", "../c"] }) });
    expect(JSON.parse(answer.text)).toEqual({ deleted: { "a%20b": "a%20b" }, errors: { "Not found": ["none", "../c"] } });
    expect([(await request("GET", "/a%20b/two")).status, (await request("GET", "/c")).status]).toEqual([404, 200]);
  });
});
