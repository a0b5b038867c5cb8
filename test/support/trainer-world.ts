/** A trainer in its world, for tests: the platform under msw, a folder for journal and files, and every SDK closed at the end. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach } from "vitest";
import type { Logger } from "../../src/base/logger.js";
import {
  createTestPlatform,
  setupTestNetwork,
  type TestNetwork,
  type TestPlatform,
  type TestPlatformOptions,
} from "../../src/testing/index.js";
import { TrainerSDK } from "../../src/trainer/trainer-sdk.js";
import type { TrainerOptions } from "../../src/trainer/options.js";

export interface TrainerWorld {
  /** A fresh one for each test. */
  readonly platform: TestPlatform;
  readonly folder: string;
  /** Warnings and errors of the SDK's log. */
  readonly warnings: string[];
  /** Starts a trainer of job 42 on this test's journal. */
  start(options?: TrainerOptions, env?: Record<string, string>): Promise<TrainerSDK>;
  /** A file in the folder. */
  file(name: string, content: string | Uint8Array): Promise<string>;
}

/** Sets the world up around each test of the file. */
export function aTrainerWorld(options: TestPlatformOptions = {}): TrainerWorld {
  let platform: TestPlatform;
  let network: TestNetwork;
  let folder = "";
  let warnings: string[] = [];
  const started: TrainerSDK[] = [];
  beforeEach(async () => {
    platform = createTestPlatform(options);
    network = setupTestNetwork(platform.handlers, { onUnhandledRequest: "error" });
    await network.listen();
    folder = await mkdtemp(path.join(tmpdir(), "trainer-"));
    warnings = [];
  });
  afterEach(async () => {
    platform.faults.clear();
    await Promise.all(started.splice(0).map((sdk) => sdk.close({ deadlineMs: 0 })));
    await platform.close();
    await network.close();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    get platform() {
      return platform;
    },
    get folder() {
      return folder;
    },
    get warnings() {
      return warnings;
    },
    async start(given = {}, env = {}) {
      const note = (message: string): void => void warnings.push(message);
      const logger: Logger = { debug() {}, info() {}, warn: note, error: note };
      const all = { ...platform.env, JOB_ID: "42", PROJECT_ID: "7", TRAINER_JOURNAL_DIR: path.join(folder, "journal"), ...env };
      const sdk = await TrainerSDK.init({ env: all, logger, batchAgeMs: 10, stopPollIntervalMs: 20, ...given });
      started.push(sdk);
      return sdk;
    },
    async file(name, content) {
      const target = path.join(folder, name);
      await writeFile(target, content);
      return target;
    },
  };
}
