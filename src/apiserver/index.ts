/** Face of `apiserver`: the server over a store, and the HTTP shell around it. */
export {
  type Certificates,
  certificates,
  type CertificatesOptions,
  type ClientIdentity,
  type KeyPair,
} from "./certificates/certificates.ts";
export { bearerTokens } from "./filters/authentication.ts";
export { type HttpServer, serveHttp, type ServeHttpOptions } from "./http/http-server.ts";
export { type KubeconfigOptions, writeKubeconfig } from "./certificates/kubeconfig.ts";
export type { LogQuery, NodeLogs } from "./resources/pods/log.ts";
export {
  type ApiServer,
  type ApiServerDependencies,
  type ApiServerOptions,
  createApiServer,
} from "./server.ts";
export { parseClusterIpRanges, parsePortRange } from "./resources/services/ranges.ts";
export type { ServiceRangeOptions } from "./resources/services/services.ts";
