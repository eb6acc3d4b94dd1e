/** Face of `controllers/namespace`: empties namespaces that are being deleted. */
export { createNamespaceController, type NamespaceOptions } from "./controller.ts";
