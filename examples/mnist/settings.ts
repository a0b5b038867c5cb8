/** The job's configuration (`CONFIG`, a JSON object): what may be set, and what holds when it is not. */

/** Every field may be left out of `CONFIG`. */
export interface TrainingSettings {
  /** Passes over the training images. */
  readonly epochs: number;
  /** Images per step. */
  readonly batchSize: number;
  /** Of the first epoch; each later one has {@link TrainingSettings.learningRateDecay} of the one before. */
  readonly learningRate: number;
  readonly learningRateDecay: number;
  readonly hiddenUnits: number;
  readonly trainImages: number;
  /** Images that choose the best epoch; never trained on. */
  readonly validationImages: number;
  /** Same seed, same run, number for number. */
  readonly seed: number;
}

export const DEFAULT_SETTINGS: TrainingSettings = {
  epochs: 8,
  batchSize: 64,
  learningRate: 0.002,
  learningRateDecay: 0.75,
  hiddenUnits: 128,
  trainImages: 20_000,
  validationImages: 5_000,
  seed: 7,
};

const FRACTIONS: readonly string[] = ["learningRate", "learningRateDecay"] satisfies (keyof TrainingSettings)[];

/** The existing platform's names for two of them, and what it sends with every job and says nothing to this training. */
const PLATFORM_NAMES: Readonly<Record<string, keyof TrainingSettings>> = { batch: "batchSize", learning_rate: "learningRate" };
const PLATFORM_EXTRAS: ReadonlySet<string> = new Set(["imgsz", "device", "primary_metric", "primary_metric_mode", "split_config"]);

/** The settings under this training's names; `advanced_config` is where the platform lets a user put settings of any kind. */
function ownNames({ advanced_config: advanced, ...given }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const all = { ...given, ...(typeof advanced === "object" ? advanced : {}) };
  const names = Object.entries(all).filter(([name]) => !PLATFORM_EXTRAS.has(name));
  return Object.fromEntries(names.map(([name, setting]) => [PLATFORM_NAMES[name] ?? name, setting]));
}

/** Checks what `CONFIG` holds; `TrainerSDK.init` takes this as `configSchema`. */
export const settingsSchema = {
  /** @throws Error naming every field that is wrong. */
  parse(value: unknown): TrainingSettings {
    const given = ownNames(value as Readonly<Record<string, unknown>>);
    const problems: string[] = [];
    for (const [name, field] of Object.entries(given)) {
      if (!(name in DEFAULT_SETTINGS)) problems.push(`${name} is not a setting (there are ${Object.keys(DEFAULT_SETTINGS).join(", ")})`);
      else if (typeof field !== "number" || !(field > 0) || !Number.isFinite(field)) problems.push(`${name} must be a number above 0`);
      else if (!FRACTIONS.includes(name) && !Number.isInteger(field)) problems.push(`${name} must be a whole number`);
    }
    if (problems.length > 0) throw new Error(problems.join("; "));
    return { ...DEFAULT_SETTINGS, ...given };
  },
};
