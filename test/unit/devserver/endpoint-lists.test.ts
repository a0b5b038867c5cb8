import { describe, expect, it } from "vitest";
import { createClearMLServer } from "../../../src/devserver/index.js";
import { readEndpointLists } from "../../support/endpoint-lists.js";

describe("the reference of the embedded server", () => {
  it("lists what is answered, and nothing else", async () => {
    const server = createClearMLServer({});
    const { answered } = await readEndpointLists();
    expect([...answered].sort()).toEqual([...server.endpoints].sort());
    await server.close();
  });

  it("says of no endpoint that it is answered and that it is not", async () => {
    const { answered, refused } = await readEndpointLists();
    expect(refused.filter((name) => answered.includes(name))).toEqual([]);
    expect(new Set(refused).size).toBe(refused.length);
  });
});
