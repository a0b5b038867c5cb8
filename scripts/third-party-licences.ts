/** The licence texts of the packages whose code is inside our files, as those licences ask. */
import { readdir, readFile } from "node:fs/promises";

/** Part of esbuild's report on a bundle. */
export interface Metafile {
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** @param folders of packages, relative to `root`. @throws Error when a package has no licence file. */
export async function thirdPartyLicences(root: string, folders: Iterable<string>): Promise<string> {
  const licences = await Promise.all([...new Set(folders)].sort().map((folder) => licenceOf(root, folder)));
  return `Files in this folder contain code of the following packages.\n\n${licences.join(`\n${"-".repeat(80)}\n\n`)}`;
}

/** Folders of the packages that a bundle took code from. */
export function bundledPackages({ inputs }: Metafile): string[] {
  return Object.keys(inputs).flatMap((input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []);
}

async function licenceOf(root: string, folder: string): Promise<string> {
  const manifest = JSON.parse(await readFile(`${root}/${folder}/package.json`, "utf8")) as {
    name: string;
    version: string;
    license: string;
  };
  const file = (await readdir(`${root}/${folder}`)).find((name) => /^licen[cs]e/i.test(name));
  if (file === undefined) throw new Error(`${folder} is bundled but has no licence file. Leave it out of the bundle.`);
  const text = await readFile(`${root}/${folder}/${file}`, "utf8");
  return `${manifest.name} ${manifest.version} (${manifest.license})\n\n${text.trim()}\n`;
}
