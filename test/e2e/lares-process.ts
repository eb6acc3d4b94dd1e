/** The `lares` command as a child process, with any arguments. For tests under test/e2e; `up` with kubectl is in cluster.ts. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { eventually } from "./cluster.ts";

const command = join(import.meta.dirname, "..", "..", "bin", "lares.js");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

export class LaresProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;
  stdout = "";
  stderr = "";

  /** @param bin another `lares` than that of this repository */
  constructor(args: readonly string[], cwd?: string, bin: string = command) {
    const startMs = performance.now();
    this.#child = spawn(process.execPath, [bin, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.#child.stdout!.on("data", (chunk: Buffer) => void (this.stdout += chunk.toString()));
    this.#child.stderr!.on("data", (chunk: Buffer) => void (this.stderr += chunk.toString()));
    this.#ended = new Promise((resolve) =>
      this.#child.once("close", (code) => {
        const { stdout } = this;
        // The warning about an old Node.js does not belong to the command's output.
        const stderr = this.stderr.replace(/^lares: Node\.js \d+ has had no security fixes.*\n/m, "");
        resolve({ code, stdout, stderr, tookMs: performance.now() - startMs });
      }),
    );
  }

  /** Resolves when `text` has been printed. @throws with all output when the process ends before. */
  async says(text: string): Promise<void> {
    const early = this.#ended.then(({ code, stdout, stderr }) => {
      throw new Error(`lares ended with ${code}:\n${stdout}${stderr}`);
    });
    early.catch(() => {});
    await Promise.race([eventually(() => this.stdout.includes(text) || undefined, `"${text}"`), early]);
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves when the process is gone and all its output is here. */
  ended(): Promise<Ended> {
    return this.#ended;
  }

  async end(name: NodeJS.Signals): Promise<Ended> {
    if (!this.hasEnded) this.signal(name);
    return await this.#ended;
  }
}
