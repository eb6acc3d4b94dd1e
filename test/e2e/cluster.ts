/**
 * Starts `lares up` as a user would, and calls it with a real kubectl. For tests under test/e2e only.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

const root = join(import.meta.dirname, "..", "..");
const manifests = join(import.meta.dirname, "manifests");

/** kubectl versions to test with, where the machine has them. */
const wanted = ["1.27", "1.30", "1.33"];

export interface Kubectl {
  readonly name: string;
  readonly path: string;
}

/** The versioned binaries beside the kubectl on PATH, or that kubectl alone. @throws when there is none. */
export function kubectls(): readonly Kubectl[] {
  const onPath = (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, "kubectl"))
    .find(existsSync);
  if (onPath === undefined)
    throw new Error("no kubectl on PATH; Debian has it in the package kubernetes-client");
  const folder = dirname(realpathSync(onPath));
  const versioned = readdirSync(folder)
    .map((name) => /^kubectl\.(\d+\.\d+)$/.exec(name)?.[1])
    .filter((version) => version !== undefined && wanted.includes(version))
    .map((version) => ({ name: `kubectl ${version}`, path: join(folder, `kubectl.${version}`) }));
  return versioned.length > 0 ? versioned : [{ name: "kubectl", path: onPath }];
}

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

export interface UpOptions {
  readonly args?: readonly string[];
  readonly dataDir?: string;
}

/** Longest that a start or a single command may take, in ms. */
const patienceMs = 60_000;

export class Cluster {
  readonly dataDir: string;
  readonly home: string;
  readonly kubeconfig: string;
  #process: ChildProcess | undefined;
  output = "";

  private constructor(dataDir: string) {
    this.dataDir = dataDir;
    this.home = mkdtempSync(join(tmpdir(), "lares-home-"));
    this.kubeconfig = join(dataDir, "kubeconfig");
  }

  /** Not started yet. */
  static at(dataDir: string = mkdtempSync(join(tmpdir(), "lares-e2e-"))): Cluster {
    return new Cluster(dataDir);
  }

  /** Resolves when the output shows the next steps. */
  static async up(options: UpOptions = {}): Promise<Cluster> {
    const cluster = Cluster.at(options.dataDir);
    await cluster.start(options.args ?? []);
    return cluster;
  }

  async start(args: readonly string[]): Promise<void> {
    const child = spawn(
      process.execPath,
      [join(root, "bin", "lares.js"), "up", "--port", "0", "--data-dir", this.dataDir, ...args],
      {
        stdio: ["ignore", "pipe", "pipe"],
        cwd: this.home,
      },
    );
    this.#process = child;
    this.output = "";
    const collect = (chunk: Buffer): void => void (this.output += chunk.toString());
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    const exited = new Promise<never>((_, reject) =>
      child.once("exit", (code) => reject(new Error(`lares up ended with ${code}:\n${this.output}`))),
    );
    exited.catch(() => {});
    await Promise.race([eventually(() => this.output.includes("Ctrl-C stops") || undefined), exited]);
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  /** Ends the process and waits for it. @returns its exit code, or null when the signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null)
      return child?.exitCode ?? null;
    const gone = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
    child.kill(signal);
    return await gone;
  }

  async stop(): Promise<void> {
    await this.end("SIGTERM");
    rmSync(this.dataDir, { recursive: true, force: true });
    rmSync(this.home, { recursive: true, force: true });
  }

  /** Runs another `lares` command to its end. */
  lares(args: readonly string[]): Promise<Ran> {
    return this.spawn({ name: "lares", path: process.execPath }, [join(root, "bin", "lares.js"), ...args]);
  }

  /** Splits `line` at spaces, except inside single quotes. Files are those of test/e2e/manifests. */
  run(kubectl: Kubectl, line: string, input?: string): Promise<Ran> {
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2]!);
    return this.spawn(kubectl, words, input);
  }

  spawn(kubectl: Kubectl, words: readonly string[], input?: string): Promise<Ran> {
    return new Promise((resolve, reject) => {
      const child = spawn(kubectl.path, words, {
        cwd: manifests,
        env: { PATH: process.env["PATH"], HOME: this.home, KUBECONFIG: this.kubeconfig },
        timeout: patienceMs,
      });
      const out = { stdout: "", stderr: "" };
      child.stdout.on("data", (chunk: Buffer) => void (out.stdout += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => void (out.stderr += chunk.toString()));
      child.once("error", reject);
      child.once("close", (code) => resolve({ ...out, code: code ?? -1 }));
      child.stdin.end(input ?? "");
    });
  }
}

/** Calls again until the result is not undefined. @throws the last error, or one that names `what`. */
export async function eventually<T>(
  ask: () => T | undefined | Promise<T | undefined>,
  what = "it to happen",
  ms: number = patienceMs,
): Promise<T> {
  const until = performance.now() + ms;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > until) throw last ?? new Error(`waited ${ms} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * Compares output with a pattern of the sessions: `~` stands for text that differs from run to run, and runs of spaces are
 * equal. @returns undefined when the output matches, else both texts.
 */
export function differs(text: string, pattern: string): string | undefined {
  const tidy = (part: string): string =>
    part
      .trim()
      .split("\n")
      .map((line) => line.trim().replace(/\s+/g, " "))
      .join("\n");
  const escaped = tidy(pattern)
    .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
    .replace(/~/g, "\\S+(?: \\([^)]*\\))?");
  const shown = tidy(text);
  return new RegExp(`^${escaped}$`).test(shown) ? undefined : `got:\n${shown}\nwanted:\n${tidy(pattern)}`;
}
