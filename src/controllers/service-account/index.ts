/** Face of `controllers/service-account`: the service account `default` in every namespace. */
export { createServiceAccountController, type ServiceAccountOptions } from "./controller.ts";
