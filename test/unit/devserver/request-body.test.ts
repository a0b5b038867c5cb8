import { describe, expect, it } from "vitest";
import { ParsedTime, parseBatch, parseBody } from "../../../src/devserver/api/request-body.js";

const none = new URLSearchParams();

describe("a request's body", () => {
  it("is an empty object when nothing was sent", () => {
    expect(parseBody("", none)).toEqual({});
  });

  it("may hold the bare literals that Python writes, and they stay text inside of strings", () => {
    const body = parseBody('{"a": NaN, "b": [-Infinity, Infinity], "c": "NaN and -Infinity", "d\\"NaN": 1}', none);
    expect(body).toEqual({ a: Number.NaN, b: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY], c: "NaN and -Infinity", 'd"NaN': 1 });
  });

  it.each([
    ["2024-01-01", "date"],
    ["12:34:56", "time"],
    ["2024-01-01T00:00:00", "datetime"],
    ["2024-01-01T00:00:00.123+00:00", "datetime"],
  ])("turns the text %s into a %s, wherever it stands", (text, kind) => {
    const body = parseBody(JSON.stringify({ deep: [{ value: text }] }), none) as { deep: { value: ParsedTime }[] };
    expect(body.deep[0]!.value).toBeInstanceOf(ParsedTime);
    expect(body.deep[0]!.value.kind).toBe(kind);
  });

  it.each(["2024-13-01", "24:00:00", "2024-01-01 ", "on 2024-01-01", "2024-01-01x", "12:34"])("leaves %j the text that it is", (text) => {
    expect(parseBody(JSON.stringify({ value: text }), none)).toEqual({ value: text });
  });

  it("leaves moments alone in the fields that hold moments", () => {
    expect(parseBody('{"created":"2024-01-01T00:00:00"}', none)).toEqual({ created: "2024-01-01T00:00:00" });
  });

  it("is refused with 400/0 when it is no JSON, and with 500 when it is no object", () => {
    expect(() => parseBody("{", none)).toThrow(expect.objectContaining({ shape: expect.objectContaining({ code: 400, subcode: 0 }) }));
    expect(() => parseBody("[1]", none)).toThrow(expect.objectContaining({ shape: expect.objectContaining({ code: 500 }) }));
  });

  it("takes in the query: digits become numbers, dots nest, repeats and brackets make lists", () => {
    const body = parseBody(
      '{"kept":1}',
      new URLSearchParams("expiration_sec=60&only.name=x&flag=True&ids=a&ids=b&one[]=z&__proto__.polluted=1"),
    );
    expect(body).toMatchObject({ kept: 1, expiration_sec: 60, only: { name: "x" }, flag: true, ids: ["a", "b"], one: ["z"] });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe("a batch's lines", () => {
  it("may end with a line feed", () => {
    expect(parseBatch('{"a":1}\n{"a":2}\n')).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it.each(['{"a":1}\n\n{"a":2}', '{"a":1}\n[2]', '{"a":1}\nnot json'])("are refused whole when one is no object: %j", (text) => {
    expect(() => parseBatch(text)).toThrow(expect.objectContaining({ shape: expect.objectContaining({ code: 400, subcode: 0 }) }));
  });

  it("are none in an empty body", () => {
    expect(parseBatch("\n")).toEqual([]);
  });
});
