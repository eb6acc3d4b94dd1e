/** Reads the files that `-f` names: single files, folders (their manifests in order of name), or `-` for standard input. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { UsageError } from "../cli/index.ts";

export interface ManifestFile {
  readonly path: string;
  readonly text: string;
}

/** File extensions that kubectl reads in a folder. */
const endings = /\.(yaml|yml|json)$/;

/** @throws UsageError that names the path when it cannot be read, or when a folder has no manifest. */
export async function readManifestFiles(paths: readonly string[]): Promise<readonly ManifestFile[]> {
  const files: ManifestFile[] = [];
  for (const path of paths) files.push(...(await readOne(path)));
  return files;
}

async function readOne(path: string): Promise<readonly ManifestFile[]> {
  if (path === "-") return [{ path: "standard input", text: await readAll(process.stdin) }];
  try {
    const { isDirectory } = await stat(path).then((found) => ({ isDirectory: found.isDirectory() }));
    if (!isDirectory) return [{ path, text: await readFile(path, "utf8") }];
    const names = (await readdir(path)).filter((name) => endings.test(name)).sort();
    if (names.length === 0)
      throw new UsageError(`the folder "${path}" has no manifest`, "files must end in .yaml, .yml or .json");
    return await Promise.all(
      names.map(async (name) => ({ path: join(path, name), text: await readFile(join(path, name), "utf8") })),
    );
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT")
      throw new UsageError(`the path "${path}" does not exist`, "check the name given with -f");
    if (code === "EACCES")
      throw new UsageError(`the path "${path}" may not be read`, "check its permissions");
    throw error;
  }
}
