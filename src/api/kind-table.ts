/** All built-in kinds, in the order of discovery: core first, then groups as upstream orders them. */
import { appsKinds, batchKinds } from "./kinds-apps.ts";
import { coreKinds } from "./kinds-core.ts";
import { otherKinds } from "./kinds-other.ts";
import type { Kind } from "./parts/kinds.ts";

export const kinds: readonly Kind[] = [...coreKinds, ...appsKinds, ...batchKinds, ...otherKinds];
