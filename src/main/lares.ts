/**
 * The `lares` command: parses the arguments and starts a command.
 * Not here: the commands (up.ts, server.ts, fleet.ts, controller.ts), each loaded only when it runs.
 */
import { Command, InvalidArgumentError, Option } from "commander";
import { isUsageError } from "../cli/index.ts";
import { dnsLabelErrors } from "../machinery/index.ts";
import { runtimeWarning } from "./runtime-age.ts";
import { version } from "./version.ts";

/** Nodes that one process simulates at most: each takes a pod network of its own. */
const nodesMax = 60_000;

function count(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > nodesMax)
    throw new InvalidArgumentError(`a number from 0 to ${nodesMax} is wanted.`);
  return value;
}

function some(text: string): number {
  const value = count(text);
  if (value === 0) throw new InvalidArgumentError("at least 1 is wanted.");
  return value;
}

function names(text: string): readonly string[] {
  const items = [...new Set(text.split(",").map((item) => item.trim()))];
  if (items.some((item) => dnsLabelErrors(item).length > 0))
    throw new InvalidArgumentError("names of namespaces with commas between them are wanted.");
  return items;
}

function objectName(text: string): string {
  if (!/^[a-z0-9-]+\/[a-z0-9.-]+$/.test(text))
    throw new InvalidArgumentError("a namespace and a name with a slash between them are wanted.");
  return text;
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535)
    throw new InvalidArgumentError("a port from 0 to 65535 is wanted (0 takes a free one).");
  return value;
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 3600))
    throw new InvalidArgumentError("seconds from 0 to 3600 are wanted.");
  return value;
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function serverOptions(command: Command, dataDir: string): Command {
  return command
    .addOption(new Option("--port <port>", "port of the API, on 127.0.0.1").default(6443).argParser(port))
    .addOption(
      new Option("--data-dir <dir>", "where the store and the certificates are kept").default(dataDir),
    )
    .option("--kubeconfig <path>", "kubeconfig to write (default: kubeconfig in the data directory)")
    .option("--fresh", "begin with an empty data directory", false)
    .addOption(
      new Option(
        "--placement <mode>",
        "who gives a daemon pod its node: the scheduler, by affinity, or the controller; -legacy: where ports and room suffice",
      )
        .choices(["affinity", "nodename", "nodename-legacy"])
        .default("affinity"),
    )
    .option(
      "--controllers <list>",
      "controllers to run: * for all, name for one more, -name for one less",
      "*",
    )
    .option(
      "--service-cluster-ip-range <cidrs>",
      "addresses of Services, a range of each family; a data directory keeps that of its first start (default: 10.96.0.0/16)",
    )
    .option("--service-node-port-range <from-to>", "node ports of Services (default: 30000-32767)")
    .addOption(
      new Option("--log-level <level>", "least severe messages to log")
        .choices(["debug", "info", "warn", "error"])
        .default("warn"),
    );
}

function timingOptions(command: Command): Command {
  return command
    .addOption(new Option("--pull-seconds <s>", "time to pull an image").default(0.4).argParser(seconds))
    .addOption(
      new Option("--start-seconds <s>", "time from the image to running containers")
        .default(0.4)
        .argParser(seconds),
    )
    .addOption(
      new Option("--stop-seconds <s>", "time from SIGTERM to the end of containers")
        .default(0.2)
        .argParser(seconds),
    );
}

function controllerOptions(command: Command): Command {
  return command
    .option(
      "--kubeconfig <path>",
      "how to reach the server (default: KUBECONFIG, ~/.kube/config, then the pod's service account)",
    )
    .option("--context <name>", "context in the kubeconfig")
    .addOption(
      new Option("--namespaces <a,b>", "only DaemonSets of these, with rights in these").argParser(names),
    )
    .option("--leader-elect", "act only while holding a Lease, so that several may run", true)
    .option("--no-leader-elect", "act at once; nothing else may run beside")
    .addOption(
      new Option("--lease <namespace/name>", "Lease to hold; one for each set of namespaces")
        .default("kube-system/lares-daemonset-controller")
        .argParser(objectName),
    )
    .addOption(
      new Option(
        "--placement <mode>",
        "who gives a daemon pod its node: the scheduler, by affinity, or the controller; -legacy: where ports and room suffice",
      )
        .choices(["affinity", "nodename", "nodename-legacy"])
        .default("affinity"),
    )
    .addOption(
      new Option("--metrics-port <port>", "port of /metrics and /healthz, on 127.0.0.1").argParser(port),
    )
    .addOption(
      new Option("--workers <n>", "DaemonSets worked on at once, per namespace named")
        .default(4)
        .argParser(some),
    )
    .addOption(
      new Option("--max-calls-per-second <n>", "ceiling of the rate that adapts to the server")
        .default(1_000)
        .argParser(some),
    )
    .option("--force", "act even if another DaemonSet controller seems to be active", false)
    .addOption(
      new Option("--log-level <level>", "least severe messages to log")
        .choices(["debug", "info", "warn", "error"])
        .default("info"),
    );
}

function program(): Command {
  const root = new Command("lares")
    .description("Keeps one agent running on every machine: a Kubernetes-compatible DaemonSet platform.")
    .version(version, "-V, --version", "print the version")
    .showHelpAfterError("(`lares --help` and `lares <command> --help` list what there is)")
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "lares: ")) });

  timingOptions(serverOptions(root.command("up"), process.env["LARES_HOME"] ?? ".lares"))
    .description(
      "everything in one process on this machine: API server, controllers, scheduler and simulated nodes",
    )
    .addOption(
      new Option("--control-planes <n>", "control-plane nodes, tainted as usual").default(1).argParser(count),
    )
    .addOption(new Option("--workers <n>", "worker nodes").default(2).argParser(count))
    .addOption(
      new Option("-f, --filename <path>", "manifest, or folder of manifests, to apply; may be repeated")
        .default([])
        .argParser(collect),
    )
    .action(async (options) => (await import("./up.ts")).up(options));

  serverOptions(root.command("server"), process.env["LARES_HOME"] ?? defaultServerDir())
    .description("the control plane alone: API server, controllers and scheduler, no nodes")
    .action(async (options) => (await import("./server.ts")).server(options));

  timingOptions(root.command("fleet"))
    .description("simulated nodes against any server, in a process of their own")
    .addOption(new Option("--nodes <n>", "nodes to register").default(3).argParser(count))
    .option("--prefix <name>", "names are this and a number", "sim-")
    .option("--name <fleet>", "name of the fleet, when there are several on one server", "")
    .option("--kubeconfig <path>", "how to reach the server (default: KUBECONFIG, then ~/.kube/config)")
    .option("--context <name>", "context in the kubeconfig")
    .addOption(
      new Option("--log-level <level>", "least severe messages to log")
        .choices(["debug", "info", "warn", "error"])
        .default("warn"),
    )
    .action(async (options) => (await import("./fleet.ts")).fleet(options));

  controllerOptions(root.command("controller"))
    .description("the DaemonSet controller alone, against any Kubernetes API server (docs/any-cluster.md)")
    .action(async (options) => (await import("./controller.ts")).controller(options));

  root
    .command("version")
    .description("print the versions of Lares and of the API it speaks")
    .action(async () => (await import("./version.ts")).printVersion());
  root.hook("preAction", () => {
    const warning = runtimeWarning(process.version, Date.now());
    if (warning !== undefined) process.stderr.write(`lares: ${warning}\n`);
  });
  return root;
}

function defaultServerDir(): string {
  return process.getuid?.() === 0 ? "/var/lib/lares" : ".lares";
}

/** One line with the reason and one with the hint; a stack only for defects. */
function report(error: unknown): void {
  if (isUsageError(error)) process.stderr.write(`lares: ${error.message}\n       ${error.hint}\n`);
  else
    process.stderr.write(
      `lares: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
  process.exitCode = 1;
}

try {
  await program().parseAsync(process.argv);
} catch (error) {
  report(error);
}
