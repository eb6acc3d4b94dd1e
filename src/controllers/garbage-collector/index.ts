/** Face of `controllers/garbage-collector`: objects whose owners are gone go too. */
export { createGarbageCollector } from "./controller.ts";
