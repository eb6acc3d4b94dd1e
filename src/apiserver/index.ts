/** Face of `apiserver`: the server over a store, and the HTTP shell around it. */
export type { Endpoint } from "./document.ts";
export type { LogQuery, NodeLogs } from "./pods.ts";
export {
  type ApiServer,
  type ApiServerDependencies,
  type ApiServerOptions,
  createApiServer,
} from "./server.ts";
