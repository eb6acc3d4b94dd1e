/** Face of `controllers/garbage-collector`: objects whose owners are gone go too. */
export {
  createGarbageCollector,
  type GarbageCollectorDependencies,
  type GarbageCollectorOptions,
} from "./controller.ts";
