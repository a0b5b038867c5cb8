/** Reads a Dockerfile, as far as ours go: instructions in their order, and the stages that they belong to. */

export interface Instruction {
  readonly name: string;
  /** What follows, on one line. */
  readonly value: string;
}

export interface Stage {
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

export function readDockerfile(text: string): readonly Stage[] {
  const lines = text
    .split("\n")
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join("\n")
    .replaceAll("\\\n", " ")
    .split("\n");
  const stages: { name: string | undefined; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, name = "", value = ""] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    if (name === "FROM") stages.push({ name: /\sAS\s+(\S+)/i.exec(value)?.[1], instructions: [] });
    // An ARG above all stages is for their FROM alone.
    else stages.at(-1)?.instructions.push({ name, value });
  }
  return stages;
}

/** The last value of an instruction in a stage. */
export function valueOf(stage: Stage, name: string): string | undefined {
  return stage.instructions.findLast((instruction) => instruction.name === name)?.value;
}
