import { describe, expect, it } from "vitest";
import { deliveryOf, type AnswerContext } from "../../../../src/sinks/platform/answer.js";

const context: AnswerContext = {
  target: "POST http://backend/cb/progress",
  ambiguous: false,
  secrets: ["hunter2", ""],
  nowMs: Date.UTC(2026, 0, 1),
};

function answer(status: number, headers: Record<string, string> = {}, body = ""): Parameters<typeof deliveryOf>[0] {
  return { status, headers, text: () => body };
}

describe("deliveryOf", () => {
  it.each([
    [200, "delivered", undefined],
    [201, "delivered", undefined],
    [204, "delivered", undefined],
    [301, "retry", "answered"],
    [307, "retry", "answered"],
    [400, "rejected", undefined],
    [401, "retry", "answered"],
    [403, "retry", "answered"],
    [404, "rejected", undefined],
    [405, "rejected", undefined],
    [407, "retry", "answered"],
    [408, "retry", "unreachable"],
    [409, "rejected", undefined],
    [410, "rejected", undefined],
    [413, "rejected", undefined],
    [422, "rejected", undefined],
    [425, "retry", "unreachable"],
    [429, "retry", "unreachable"],
    [500, "retry", "answered"],
    [501, "retry", "answered"],
    [502, "retry", "unreachable"],
    [503, "retry", "unreachable"],
    [504, "retry", "unreachable"],
    [599, "retry", "answered"],
  ])("makes %i %s (%s)", (status, outcome, cause) => {
    expect(deliveryOf(answer(status), context)).toMatchObject({ status: outcome, ...(cause === undefined ? {} : { cause }) });
  });

  it.each([
    ["by its type", answer(200, { "content-type": "text/html; charset=utf-8" }, "hello"), "retry"],
    ["by its first words", answer(200, {}, "\n<!DOCTYPE html><title>Sign in</title>"), "retry"],
    ["JSON that talks of HTML", answer(200, { "content-type": "application/json" }, '{"note":"<html>"}'), "delivered"],
  ])("knows a proxy's web page %s", (_what, response, status) => {
    const delivery = deliveryOf(response, context);
    expect(delivery).toMatchObject({ status, ...(status === "retry" ? { cause: "unreachable" } : {}) });
  });

  it("takes a conflict over a record that may be there already for its delivery", () => {
    expect(deliveryOf(answer(409), { ...context, ambiguous: true })).toEqual({ status: "delivered" });
  });

  it.each([
    ["7", 7000],
    ["Thu, 01 Jan 2026 00:01:00 GMT", 60_000],
    ["soon", undefined],
  ])("passes Retry-After: %s on", (value, retryAfterMs) => {
    const delivery = deliveryOf(answer(503, { "retry-after": value }), context);
    expect("retryAfterMs" in delivery ? delivery.retryAfterMs : undefined).toBe(retryAfterMs);
  });

  it("quotes a little of the body, on one line and without secrets", () => {
    const delivery = deliveryOf(answer(422, {}, `bad\n token\thunter2 ${"x".repeat(2000)}`), context);
    const reason = "reason" in delivery ? delivery.reason : "";
    expect(reason).toMatch(/^POST http:\/\/backend\/cb\/progress answered 422: bad token \*\*\* x+$/);
    expect(reason.length).toBeLessThan(600);
  });

  it("says where a redirect leads, without its query, and what to set", () => {
    const delivery = deliveryOf(answer(302, { location: "https://login.example.com/sso?token=abc" }), context);
    expect(delivery).toMatchObject({
      reason: expect.stringMatching(/a redirect to https:\/\/login\.example\.com\/sso, which is not followed.*Set CALLBACK_URL/),
    });
  });
});
