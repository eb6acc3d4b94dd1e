/** Face of `controllers/root-ca`: the cluster's certificate authority in every namespace. */
export { createRootCaController, type RootCaOptions } from "./controller.ts";
