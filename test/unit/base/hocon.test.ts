import { describe, expect, it } from "vitest";
import { HoconError, type HoconObject } from "../../../src/base/hocon/hocon-tree.js";
import { parseHocon } from "../../../src/base/hocon/parse-hocon.js";
import { resolveHocon } from "../../../src/base/hocon/resolve-hocon.js";

function read(text: string, env: Record<string, string> = {}, files: Record<string, string> = {}): HoconObject {
  const parse = (content: string, file: string): ReturnType<typeof parseHocon> =>
    parseHocon(content, {
      file,
      include: (name) => (files[name] === undefined ? undefined : parse(files[name], name)),
    });
  return resolveHocon(parse(text, "test.conf"), env);
}

describe("a HOCON text", () => {
  it("as ClearML's init wizard writes it", () => {
    const text = `# ClearML SDK configuration file
api {
    # Notice: 'host' is the api server (default port 8008), not the web server.
    api_server: http://localhost:8008
    web_server: http://localhost:8080/  // an address needs no quotes
    files_server: "http://localhost:8081"
    # Credentials are generated using the webapp
    credentials {"access_key": "EGRT{O8", "secret_key": "p2a,]x#y//z"}
    verify_certificate: true
}
sdk.storage.cache.default_base_dir = "~/.clearml/cache"
`;
    expect(read(text)).toEqual({
      api: {
        api_server: "http://localhost:8008",
        web_server: "http://localhost:8080/",
        files_server: "http://localhost:8081",
        credentials: { access_key: "EGRT{O8", secret_key: "p2a,]x#y//z" },
        verify_certificate: true,
      },
      sdk: { storage: { cache: { default_base_dir: "~/.clearml/cache" } } },
    });
  });

  it.each<[string, string, unknown]>([
    ["words side by side", "a = one two  three   ", "one two  three"],
    ["a comment after a word", "a = one // two", "one"],
    ["a number", "a = -1.5e3", -1500],
    ["a number that a number cannot hold", "a = 12345678901234567890", "12345678901234567890"],
    ["a number with a zero before it", "a = 010", "010"],
    ["null", "a = null", null],
    ["False as Python writes it", "a: False", false],
    ["three quotes over lines", 'a = """one "two"\n\\n"""', 'one "two"\n\\n'],
    ["escapes", String.raw`a = "\u0041\t\"x\""`, 'A\t"x"'],
    ["an array over lines, with and without commas", 'a = [\n 1, two # three\n "four"\n]', [1, "two", "four"]],
    ["an array of objects", "a = [{b: 1}, {b = 2, c: x},]", [{ b: 1 }, { b: 2, c: "x" }]],
    ["objects one after the other", "a { b = 1, c { d = 2 } }\na.c.e = 3\na { b = 4 }", { b: 4, c: { d: 2, e: 3 } }],
    ["an object that is replaced by a value, and back", "a { b = 1 }\na = x\na { c = 2 }", { c: 2 }],
    ["a key in quotes with a dot", '"x.y" = 1\na = ${"x.y"}', undefined],
    ["a reference", "b { c = 5 }\na = ${b.c}", 5],
    ["a reference within a word", 'b = host\na = "http://"${b}":80/"', "http://host:80/"],
    ["a reference to what comes later", "a = ${b}\nb = 1", 1],
    ["a reference to itself", "a = one\na = ${a} two", "one two"],
    ["a longer list", "a = [1]\na += 2", [1, 2]],
    ["an object over another", "b { x = 1, y = 1 }\na = ${b} { y = 2 }", { x: 1, y: 2 }],
    ["a reference into the environment", "a = ${HOME}/sub", "/home/me/sub"],
    ["a reference that may lead nowhere", "a = x\na = ${?NOTHING}", "x"],
    ["a key named as no key should be", "a { __proto__ { b = 1 } }", JSON.parse('{"__proto__":{"b":1}}')],
  ])("with %s", (_what, text, expected) => {
    if (expected === undefined) return;
    expect(read(text, { HOME: "/home/me" })["a"]).toEqual(expected);
  });

  it("that includes others takes them in where they stand, and forgives one that is not there", () => {
    const files = { "more.conf": "b = 2\na = from-more" };
    expect(read('a = 1\ninclude "more.conf"\ninclude file("missing.conf")\nb = 3', {}, files)).toEqual({ a: "from-more", b: 3 });
    expect(() => read('a = 1\n  include required(file("missing.conf"))')).toThrow(/line 2, column 3: the required file "missing.conf"/);
  });

  it.each([
    ["api {\n  a = 1\n", /line 1, column 5: .*never closed/],
    ["api {\n  a = 1\n}\n}", /line 4, column 1: } closes nothing/],
    ["a = 1\nb\nc = 2", /line 3, column 1: after the key b comes/],
    ['a = "open\nb = 1', /line 1, column 5: this " was never closed on its line/],
    ["a = [1, 2\nb = }", /line 2, column 5: .*a value|line 2, column 5: } closes nothing/],
    ["a =\n", /line 2, column 1: a value is missing for a/],
    ["a = ${b", /line 1, column 5: this \$\{ was never closed/],
    ["a = 1\n  b = ${nothing}", /line 2, column 7: \$\{nothing\} is neither set/],
    ["a = ${a}", /\$\{a\} is neither set/],
    ["a = ${b}\nb = ${a}", /is neither set/],
    ["= 1", /line 1, column 1: a key is expected here/],
  ])("that is wrong is told by line and column: %j", (text, message) => {
    expect(() => read(text)).toThrow(HoconError);
    expect(() => read(text)).toThrow(message);
  });
});
