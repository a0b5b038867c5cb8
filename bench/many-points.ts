/** What `programs/many-points.ts` answers, and how it is started against the counting server. */
import type { LoopFigures } from "./programs/loop-watch.ts";
import type { Workplace } from "./workplace.ts";

export interface ManyPoints {
  readonly points: number;
  readonly complete: boolean;
  readonly losses: Readonly<Record<string, number>>;
  readonly saidSeconds: number;
  readonly wholeSeconds: number;
  readonly cpuSeconds: number;
  readonly samples: readonly {
    readonly atMs: number;
    readonly rssBytes: number;
    readonly heapBytes: number;
    readonly journalBytes: number;
    readonly pending: number;
  }[];
  readonly loop: LoopFigures;
}

/** @throws Error when points are missing at the server: speed by loss is none. */
export async function sayManyPoints(
  workplace: Workplace,
  input: { readonly points: number; readonly metrics: number; readonly single?: boolean },
): Promise<ManyPoints> {
  const server = await workplace.server("counting-server");
  const { env } = server.hello as { env: Record<string, string> };
  try {
    const result = await workplace.program<ManyPoints>(
      "many-points",
      { ...input, journalDir: await workplace.freshFolder("journal") },
      env,
    );
    const counted = (await (await fetch(`${env["CLEARML_API_HOST"] ?? ""}/count`)).json()) as { events: number };
    if (!result.complete || counted.events < result.points)
      throw new Error(
        `${String(result.points)} points were said and ${String(counted.events)} counted at the server; losses ${JSON.stringify(result.losses)}`,
      );
    return result;
  } finally {
    await server.stop();
  }
}
