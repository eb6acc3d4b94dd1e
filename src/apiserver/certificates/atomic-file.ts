/**
 * Replaces a small file so that readers and crashes see the old contents or the new, never a mixture.
 * Not here: the store (storage/).
 */
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Durable when it resolves; the file gets mode 0600.
 * Not promised: order between two writers of one file at the same time.
 * @throws the system's error; the old file is then untouched.
 */
export async function writeFileAtomic(file: string, content: string): Promise<void> {
  const temporary = `${file}.new`;
  await rm(temporary, { force: true });
  const handle = await open(temporary, "wx", 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  const folder = await open(dirname(file), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
