/** Face of `controllers/namespace`: empties namespaces that are being deleted. */
export { createNamespaceController } from "./controller.ts";
