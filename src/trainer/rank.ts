/** Which process of a distributed training this is. Rank 0 speaks; the others are silent unless asked. */

/** Variables that launchers set, most specific first. `LOCAL_RANK` comes last: on several nodes it is 0 once per node. */
const RANK_VARIABLES = ["RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "LOCAL_RANK"] as const;

export interface Rank {
  readonly value: number;
  /** The variable it came from; `undefined` when there is none, and the process is alone. */
  readonly source: string | undefined;
}

/** Reads the rank. A value that is no whole number is passed over. */
export function readRank(env: Readonly<Record<string, string | undefined>>): Rank {
  for (const source of RANK_VARIABLES) {
    const text = env[source]?.trim();
    if (text !== undefined && /^\d+$/.test(text)) return { value: Number(text), source };
  }
  return { value: 0, source: undefined };
}
