// What an ES module sees: every entry, with the types that its users lean on.
import { TrainerSDK, TrainerSDKError, type Receipt, type TrainerOptions } from "trainer-sdk";
import { createClearML, type ClearML } from "trainer-sdk/clearml";
import { startDevServer, type DevServer } from "trainer-sdk/devserver";

interface Config {
  readonly epochs: number;
}

export async function train(options: TrainerOptions<Config>): Promise<Receipt> {
  const sdk = await TrainerSDK.init<Config>(options);
  const epochs: number = sdk.config.epochs;
  const receipt = await sdk.reportProgress({ epoch: 1, totalEpochs: epochs, metrics: { train_loss: 0.5 } });
  // @ts-expect-error: an epoch is a number.
  await sdk.reportProgress({ epoch: "1", metrics: {} });
  // @ts-expect-error: the configuration is what was said.
  void sdk.config.batches;
  await sdk.close({ deadlineMs: 1000 });
  return receipt;
}

export async function names(clearml: ClearML = createClearML()): Promise<string[]> {
  const found: string[] = [];
  for await (const task of clearml.tasks.getAll()) found.push(task.id);
  return found;
}

export const server: Promise<DevServer> = startDevServer({ port: 0 });
export const codeOf = (error: unknown): string | undefined => (TrainerSDKError.isInstance(error) ? error.code : undefined);
