/** `npm run test:s3 [-- --long]`: the suite against a real S3 server. The long form adds a file of 5 GiB. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { installS3Tools } from "./s3-tools.ts";

await installS3Tools((message) => console.log(message));
const given = process.argv.slice(2);
const rest = given.filter((argument) => argument !== "--long");
const vitest = spawn(process.execPath, ["node_modules/vitest/vitest.mjs", "run", "--project", "s3", ...rest], {
  stdio: "inherit",
  env: { ...process.env, ...(rest.length < given.length ? { S3_LONG: "1" } : {}) },
});
const [code] = (await once(vitest, "exit")) as [number | null];
process.exitCode = code ?? 1;
