/** Before `npm pack` and `npm publish`: what the package holds is built from these sources. */
import { ensureBuilt, ensureInstalled } from "./ensure.mjs";

ensureInstalled();
ensureBuilt();
