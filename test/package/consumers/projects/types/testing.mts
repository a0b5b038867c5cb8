// What a test sees. Apart from the others, because the types of msw hold only with `skipLibCheck`.
import { setupServer } from "msw/node";
import { createTestPlatform, setupTestNetwork, type TestNetwork, type TestPlatform } from "trainer-sdk/testing";

export const platform: TestPlatform = createTestPlatform();
export const network: TestNetwork = setupTestNetwork(platform.handlers, { onUnhandledRequest: "error" });
export const server = setupServer(...platform.handlers);
export const points: number | undefined = platform.scalars("task")["loss/train"]?.length;
// @ts-expect-error: there is no such fault.
platform.faults.set("api", { mode: "explode" });
