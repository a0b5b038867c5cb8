/** The guide for those who come from Python names what the installed SDK has, in every line, and the server what it can call. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClearMLServer } from "../../../src/devserver/index.js";
import { readEndpointLists } from "../../support/endpoint-lists.js";
import { readNameTables } from "../../support/name-table.js";
import { Tally } from "../support/tally.js";
import { PythonPeer } from "./python.js";
import { CURRENT_LINE, SDK_LINES } from "./sdk-lines.js";
import { openServer, type PeerServer } from "./server.js";

/** Sections of the guide, and what each is to hold of `programs/public_names.py`. */
const SECTIONS: Readonly<Record<string, readonly string[]>> = {
  "The package": ["clearml"],
  Task: ["Task"],
  Logger: ["Logger"],
  "Model, InputModel, OutputModel": ["Model", "InputModel", "OutputModel"],
  Dataset: ["Dataset"],
};

let server: PeerServer;

beforeAll(async () => {
  server = await openServer();
});

afterAll(async () => {
  await server.close();
});

describe.each(SDK_LINES)("Python SDK $version", (line) => {
  let python: PythonPeer;

  beforeAll(async () => {
    python = await PythonPeer.open(line, server);
  });

  afterAll(async () => {
    await python.close();
  });

  it("has no public name that the guide leaves unsaid", async () => {
    const tally = new Tally("clearml", `names of Python ${line.version}`);
    const run = await python.run("public_names");
    expect(run.answer, run.output).toBeDefined();
    const tables = await readNameTables();
    for (const [section, lists] of Object.entries(SECTIONS)) {
      const said = new Set(tables.get(section)?.flatMap((row) => row.python));
      const there = new Set<string>(lists.flatMap((list) => run.answer[list] as string[]));
      for (const name of there) tally.compare(`${section}: ${name} in the guide`, said.has(name), true);
      if (line === CURRENT_LINE) for (const name of said) tally.compare(`${section}: ${name} in the SDK`, there.has(name), true);
    }
    tally.end();
  });

  it("can call no endpoint of which the reference does not say whether it is answered", async () => {
    const tally = new Tally("clearml", `endpoints of Python ${line.version}`);
    const run = await python.run("called_endpoints");
    expect(run.answer, run.output).toBeDefined();
    const embedded = createClearMLServer({});
    const { refused } = await readEndpointLists();
    const known = new Set([...embedded.endpoints, ...refused]);
    await embedded.close();
    for (const name of run.answer.endpoints as string[]) tally.compare(`${name} in the reference`, known.has(name), true);
    tally.end();
  });
});
