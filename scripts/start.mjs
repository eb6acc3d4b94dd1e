/** `npm start`: set-up, then `lares up` with the first example; further arguments go to `lares up`. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ensureBuilt, ensureInstalled, nodeOptions, root } from "./ensure.mjs";

ensureInstalled();
ensureBuilt();
const args = process.argv.slice(2);
const hasFile = args.some((arg) => arg === "-f" || arg.startsWith("--filename"));
const example = hasFile ? [] : ["-f", join(root, "examples", "node-exporter.yaml")];
const command = [nodeOptions, join(root, "bin", "lares.js"), "up", ...example, ...args];
const child = spawn(process.execPath, command, { stdio: "inherit" });
// The terminal sends Ctrl-C to both processes; this one only waits until the other has stopped.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
