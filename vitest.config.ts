/**
 * The suites, by what they need. `npm test` runs those that npm alone can run; `.ci/run` adds the rest.
 */
import { defineConfig } from "vitest/config";

/** Where to leave a report for machines; set by `.ci/run`. */
const report = process.env["TEST_REPORT"];

export default defineConfig({
  test: {
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
    // Two cores: more workers only wait for each other.
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      { extends: true, test: { name: "contract", include: ["test/contract/**/*.test.ts"], testTimeout: 60_000 } },
      {
        extends: true,
        test: { name: "integration", include: ["test/integration/**/*.test.ts"], exclude: ["test/integration/s3/**"], testTimeout: 60_000 },
      },
      { extends: true, test: { name: "s3", include: ["test/integration/s3/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 } },
      { extends: true, test: { name: "interop", include: ["test/interop/**/*.test.ts"], testTimeout: 180_000, hookTimeout: 900_000 } },
      { extends: true, test: { name: "built", include: ["test/package/built/**/*.test.ts"], testTimeout: 60_000 } },
      {
        extends: true,
        test: { name: "consumers", include: ["test/package/consumers/**/*.test.ts"], testTimeout: 300_000, hookTimeout: 300_000 },
      },
      {
        extends: true,
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          globalSetup: "test/browser/build-page.ts",
          testTimeout: 90_000,
          hookTimeout: 60_000,
          // A busy machine draws late; what never comes is what fails.
          expect: { poll: { timeout: 15_000 } },
        },
      },
    ],
  },
});
