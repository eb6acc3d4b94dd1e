/** Face of `controllers/pod-gc`: removes pods that nobody will ever end. */
export { createPodGcController, type PodGcOptions } from "./controller.ts";
