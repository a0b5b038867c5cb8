/** What a verb costs its caller, with the server up, down and hanging; and how soon its record is on the disk. */
import { open } from "node:fs/promises";
import path from "node:path";
import { loopFigures } from "../loop-figures.ts";
import type { LoopFigures } from "../programs/loop-watch.ts";
import { aim, floor, type Figure, type Row, type RowContext } from "../row.ts";
import { spread } from "../statistics.ts";

interface VerbCost {
  readonly returnedUs: readonly number[];
  readonly backToBackUs: readonly number[];
  readonly textAloneUs: readonly number[];
  readonly durableMs: readonly number[];
  readonly volatile: number;
  readonly loop: LoopFigures;
}

type Server = "up" | "down" | "hanging";

export const verbs: Row = {
  name: "verbs",
  title: "reportProgress with 10 metrics: entry to return, and entry to durable",
  async measure(context) {
    const figures: Figure[] = [];
    for (const server of ["up", "down", "hanging"] as const) {
      context.progress(`server ${server}`);
      figures.push(...figuresOf(server, await measureWith(server, context)));
    }
    const fsyncMs = await bareFsync(await context.workplace.freshFolder("fsync"), context.quick ? 300 : 1000);
    const { p50, p99 } = spread(fsyncMs);
    figures.push({
      what: "a bare write and fsync of 600 bytes, p50",
      value: p50,
      unit: "ms",
      bars: [],
      note: "the same disk, nothing of ours",
    });
    figures.push({ what: "a bare write and fsync of 600 bytes, p99", value: p99, unit: "ms", bars: [] });
    return figures;
  },
};

async function measureWith(server: Server, { workplace, quick }: RowContext): Promise<VerbCost> {
  const input = { calls: quick ? 1000 : 5000, pauseMs: 2, journalDir: await workplace.freshFolder("journal") };
  if (server === "up") {
    const clearml = await workplace.clearml();
    try {
      return await workplace.program<VerbCost>("verb-cost", input, clearml.env);
    } finally {
      await clearml.stop();
    }
  }
  const hanging = await workplace.server("hanging-server");
  const { port } = hanging.hello as { port: number };
  // Down: a port that was just given back.
  if (server === "down") await hanging.stop();
  try {
    const host = `http://127.0.0.1:${String(port)}`;
    const env = {
      CLEARML_API_HOST: host,
      CLEARML_WEB_HOST: host,
      CLEARML_FILES_HOST: host,
      CLEARML_API_ACCESS_KEY: "key",
      CLEARML_API_SECRET_KEY: "secret",
    };
    return await workplace.program<VerbCost>("verb-cost", input, { ...env, CALLBACK_URL: `${host}/callbacks` });
  } finally {
    await hanging.stop();
  }
}

function figuresOf(server: Server, { returnedUs, backToBackUs, textAloneUs, durableMs, volatile, loop }: VerbCost): Figure[] {
  const returned = spread(returnedUs);
  const durable = spread(durableMs);
  const unkept = returnedUs.length - durableMs.length + volatile;
  return [
    { what: `return, server ${server}, p50`, value: returned.p50, unit: "us", bars: [aim("at most", 20)] },
    { what: `return, server ${server}, p99`, value: returned.p99, unit: "us", bars: [aim("at most", 200)] },
    {
      what: `return, server ${server}, slowest`,
      value: returned.max / 1000,
      unit: "ms",
      bars: [floor("below", 50)],
      note: `${String(returnedUs.length)} calls`,
    },
    { what: `return, server ${server}, back to back, p50`, value: spread(backToBackUs).p50, unit: "us", bars: [] },
    {
      what: `JSON.stringify of the same metrics alone, at the same pace, server ${server}, p50`,
      value: spread(textAloneUs).p50,
      unit: "us",
      bars: [],
    },
    { what: `durable, server ${server}, p50`, value: durable.p50, unit: "ms", bars: [] },
    {
      what: `durable, server ${server}, p99`,
      value: durable.p99,
      unit: "ms",
      bars: [aim("at most", 10)],
      ...(unkept > 0 ? { note: `${String(unkept)} were not durable` } : {}),
    },
    ...loopFigures(`server ${server}`, loop),
  ];
}

/** What the disk itself takes for one record. */
async function bareFsync(folder: string, times: number): Promise<readonly number[]> {
  const file = await open(path.join(folder, "bare"), "a");
  const line = Buffer.alloc(600, "x");
  const tookMs: number[] = [];
  for (let at = 0; at < times; at++) {
    const startedAt = performance.now();
    await file.write(line);
    await file.datasync();
    tookMs.push(performance.now() - startedAt);
  }
  await file.close();
  return tookMs;
}
