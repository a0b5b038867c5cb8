/**
 * Bundles the embedded server's page into `dist/dashboard/`: `index.html`, one script, one style sheet, nothing from
 * elsewhere. `node scripts/build-dashboard.ts [folder]`; also a function, so that a test can build the page it opens.
 */
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const source = join(root, "src/devserver/dashboard");

/** Where the package's build puts the page. */
export const DASHBOARD_OUTPUT = join(root, "dist/dashboard");

/** Builds the page into `folder`, which is made when it is missing. Gives the bundle's size in bytes by file name. */
export async function buildDashboard(folder: string = DASHBOARD_OUTPUT): Promise<Record<string, number>> {
  await mkdir(folder, { recursive: true });
  const result = await build({
    entryPoints: { app: join(source, "app.tsx") },
    outdir: folder,
    absWorkingDir: root,
    bundle: true,
    minify: true,
    metafile: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    tsconfig: join(root, "tsconfig.dashboard.json"),
    legalComments: "none",
    logLevel: "warning",
  });
  await build({
    entryPoints: { app: join(source, "app.css") },
    outdir: folder,
    absWorkingDir: root,
    bundle: true,
    minify: true,
    target: ["chrome111", "firefox113", "safari16.4"],
    logLevel: "warning",
  });
  await cp(join(source, "index.html"), join(folder, "index.html"));
  return Object.fromEntries(Object.entries(result.metafile.outputs).map(([path, output]) => [path, output.bytes]));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sizes = await buildDashboard(process.argv[2]);
  for (const [path, bytes] of Object.entries(sizes)) console.log(`${path} ${String(Math.round(bytes / 1024))} KiB`);
}
