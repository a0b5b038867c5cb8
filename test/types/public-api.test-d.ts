// What users lean on must hold, and what is wrong must not compile: checked by `npm run typecheck`, never run.
import { TrainerSDK, TrainerSDKError, type Receipt, type TrainerOptions, type UploadReceipt } from "trainer-sdk";
import { createClearML } from "trainer-sdk/clearml";
import { createTestPlatform } from "trainer-sdk/testing";
import { expectTypeOf } from "vitest";
import * as z from "zod";

const options: TrainerOptions<{ readonly epochs: number }> = { configSchema: z.object({ epochs: z.number() }) };
const sdk = await TrainerSDK.init(options);
expectTypeOf(sdk.config.epochs).toEqualTypeOf<number>();
expectTypeOf(sdk.signal).toEqualTypeOf<AbortSignal>();
expectTypeOf((await TrainerSDK.init()).config).toEqualTypeOf<Readonly<Record<string, unknown>>>();

const receipt = await sdk.reportProgress({ epoch: 1, totalEpochs: 2, metrics: { train_loss: 0.5, skipped: undefined } });
expectTypeOf(receipt).toEqualTypeOf<Receipt>();
if (receipt.status === "durable") expectTypeOf(receipt.sequence).toEqualTypeOf<number>();
// @ts-expect-error: only a kept fact has a number.
void receipt.sequence;
if (receipt.status === "rejected") expectTypeOf(receipt.reason).toEqualTypeOf<string>();

const upload = await sdk.uploadCheckpoint("out/best.pt", { type: "best", isBest: true });
expectTypeOf(upload).toEqualTypeOf<UploadReceipt>();
expectTypeOf(upload.file?.sha256).toEqualTypeOf<string | undefined>();
expectTypeOf(sdk.currentTask().id).toEqualTypeOf<string | undefined>();

// @ts-expect-error: an epoch is a number.
void sdk.reportProgress({ epoch: "1" });
// @ts-expect-error: metrics are numbers.
void sdk.reportProgress({ epoch: 1, metrics: { loss: "low" } });
// @ts-expect-error: a misspelled option is no option.
void sdk.reportProgress({ epoch: 1, metrix: {} });
// @ts-expect-error: a model has a name.
void sdk.registerModel({ path: "out/best.pt" });
// @ts-expect-error: there is no such level.
void sdk.log("loud", "hello");
// @ts-expect-error: options are read, not written.
options.jobId = "7";
// @ts-expect-error: sinks are known by name.
void TrainerSDK.init({ sinks: ["mlflow-2"] });

const { logger } = sdk.currentTask();
void logger.reportHistogram({ title: "weights", series: "layer 1", values: new Float32Array(3) });
void logger.reportScatter2d({ title: "t", series: "s", scatter: { x: new Float64Array(2), y: [1, 2] } });
void logger.reportTable({ title: "t", series: "s", table: [{ class: "cat", right: 17 }] });
// @ts-expect-error: several lines have names of their own.
void logger.reportLine({ title: "t", series: "one", data: [] });
// @ts-expect-error: a plot has a title.
void logger.reportSurface({ series: "s", matrix: [[1]] });
// @ts-expect-error: numbers, not texts.
void logger.reportHistogram({ title: "t", series: "s", values: ["1"] });

const error: unknown = undefined;
if (TrainerSDKError.isInstance(error)) expectTypeOf(error.retryable).toEqualTypeOf<boolean>();

const clearml = createClearML();
expectTypeOf((await clearml.tasks.create({ name: "a task", type: "training" })).id).toEqualTypeOf<string>();
// @ts-expect-error: an endpoint's request is checked.
void clearml.tasks.getById({ id: "7" });

expectTypeOf(createTestPlatform().scalars("task")["loss/train"]?.[0]?.value).toEqualTypeOf<number | undefined>();
