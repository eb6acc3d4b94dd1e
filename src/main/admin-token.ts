/**
 * The administrator's bearer token, for clients that carry no certificate (`curl -H "Authorization: Bearer ..."`).
 * Made at the first start and kept in `pki/admin.token`. Not here: tokens of service accounts.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { UserInfo } from "../machinery/index.ts";

/** Random bytes of the token. */
const tokenBytes = 32;

/** Reads the token of a data directory's `pki`, or makes it with mode 0600. The folder must exist and be locked by us. */
export async function adminToken(pki: string): Promise<string> {
  const path = join(pki, "admin.token");
  const known = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  if (known.trim().length >= 2 * tokenBytes) return known.trim();
  const token = randomBytes(tokenBytes).toString("hex");
  await writeFile(path, `${token}\n`, { mode: 0o600 });
  return token;
}

/** Authenticates the administrator by the token, in constant time. */
export function tokenAuthenticator(token: string): (candidate: string) => UserInfo | undefined {
  const wanted = Buffer.from(token);
  return (candidate) => {
    const given = Buffer.from(candidate);
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
    return { username: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] };
  };
}
