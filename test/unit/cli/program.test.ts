import { describe, expect, it } from "vitest";
import { runCommandLine } from "../../../src/cli/program.js";

async function run(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  let out = "";
  let error = "";
  const code = await runCommandLine(args, "1.2.3", {
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
    stop: AbortSignal.abort(),
  });
  return { code, out, error };
}

describe("the command line", () => {
  it.each(["--version", "-V"])("prints the version alone for %s", async (flag) => {
    expect(await run(flag)).toEqual({ code: 0, out: "1.2.3\n", error: "" });
  });

  it("prints help on stdout when help is asked for", async () => {
    const { code, out, error } = await run("--help");
    expect([code, error]).toEqual([0, ""]);
    expect(out).toContain("dev");
    expect((await run("dev", "--help")).out).toMatch(/--port[^]*--data[^]*--json[^]*--fault-control/);
  });

  it("prints help on stderr and ends with 2 when there is no command", async () => {
    const { code, out, error } = await run();
    expect([code, out]).toEqual([2, ""]);
    expect(error).toContain("Usage: trainer-sdk");
  });

  it.each([
    { args: ["--nonsense"], says: "unknown option '--nonsense'" },
    { args: ["dev", "--prot", "1"], says: "Did you mean --port?" },
    { args: ["deb"], says: "unknown command 'deb'" },
    { args: ["dev", "surplus"], says: "too many arguments" },
    { args: ["dev", "--port"], says: "argument missing" },
    { args: ["dev", "--port", "eighty"], says: "Give a whole number from 0 to 65533." },
    { args: ["dev", "--port", "65534"], says: "Give a whole number from 0 to 65533." },
    { args: ["dev", "--port", "1e3"], says: "Give a whole number from 0 to 65533." },
    { args: ["dev", "--data"], says: "argument missing" },
    { args: ["doctor", "--timeout", "soon"], says: "Give a number of seconds above 0 and up to 3600." },
    { args: ["doctor", "--timeout", "0"], says: "Give a number of seconds above 0 and up to 3600." },
  ])("ends $args with 2 and says $says", async ({ args, says }) => {
    const { code, out, error } = await run(...args);
    expect([code, out]).toEqual([2, ""]);
    expect(error).toContain(says);
    expect(error).toContain("--help");
  });
});
