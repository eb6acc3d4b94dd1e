/**
 * The files that the rules check: those that git tracks or would track, with their text.
 * Not here: the rules (tidy.test.ts, references.test.ts).
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

const root = join(import.meta.dirname, "..", "..");

export const isGenerated = (text: string): boolean => /^.{0,4}Generated/i.test(text.split("\n", 1)[0] ?? "");

/** Code, pages and settings. */
export function files(): readonly SourceFile[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  const paths = listed
    .split("\n")
    .filter((path) => /\.(ts|mjs|js|cjs|json|md|txt|yaml|yml|sh)$|^\.ci\/run$/.test(path));
  return paths.flatMap((path) => {
    try {
      return [{ path, text: readFileSync(join(root, path), "utf8") }];
    } catch {
      return []; // Deleted in the working tree, not yet in the index.
    }
  });
}
