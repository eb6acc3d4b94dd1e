/** Face of `controllers/garbage-collector`: objects whose owners are gone go too. */
export { createGarbageCollector, type GarbageCollectorOptions } from "./controller.ts";
