/**
 * `npm run simulate`: many seeds, one after another or in several processes; prints what fails and how to replay it.
 *
 *   npm run simulate -- --seeds 20000 [--from 1] [--profile rough] [--jobs 2] [--verbose]
 */
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { explain } from "./report.ts";
import { run } from "./run.ts";
import { profiles, type ProfileName, type Script, scriptOf } from "./script.ts";

/** Seeds between two lines of progress. */
const progressEvery = 500;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    from: { type: "string", default: "1" },
    profile: { type: "string" },
    jobs: { type: "string", default: "1" },
    verbose: { type: "boolean", default: false },
  },
});
const [seeds, from, jobs] = [Number(values.seeds), Number(values.from), Number(values.jobs)];
const { profile } = values;
if (![seeds, from, jobs].every((number) => Number.isSafeInteger(number) && number > 0))
  throw new Error("--seeds, --from and --jobs are numbers above zero");
if (profile !== undefined && !(profile in profiles))
  throw new Error(`--profile is one of ${Object.keys(profiles).join(", ")}`);

const failed = jobs > 1 ? await inProcesses() : await oneByOne();
process.exitCode = failed === 0 ? 0 : 1;

/** @returns how many seeds failed. */
async function oneByOne(): Promise<number> {
  const startMs = performance.now();
  let failures = 0;
  let revisions = 0;
  let virtualMs = 0;
  let script: Script | undefined;
  process.on("unhandledRejection", (error) => {
    const replay = `npm run simulate -- --from ${script?.seed} --seeds 1 --profile ${script?.profile}`;
    console.error(`seed ${script?.seed}: an error that nobody took; replay: ${replay}`, error);
    process.exit(1);
  });
  for (let seed = from; seed < from + seeds; seed++) {
    script = scriptOf(seed, profile as ProfileName | undefined);
    const result = await run(script, values.verbose ? { onLog: (text) => console.log(text) } : {});
    revisions += result.revisions;
    virtualMs += result.virtualMs;
    if (result.violations.length > 0) {
      failures++;
      console.log(`${await explain(script, result)}\n`);
    }
    const done = seed - from + 1;
    if (done % progressEvery === 0 || done === seeds) {
      const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
      const days = (virtualMs / 86_400_000).toFixed(1);
      console.log(
        `${done} of ${seeds} seeds from ${from}: ${failures} failed; ${revisions} revisions, ${days} virtual days in ${seconds} s`,
      );
    }
  }
  return failures;
}

/** The seeds in `jobs` parts, each by this very file. @returns how many parts failed. */
async function inProcesses(): Promise<number> {
  const part = Math.ceil(seeds / jobs);
  const runs = Array.from({ length: jobs }, (_, index) => {
    const first = from + index * part;
    const count = Math.min(part, from + seeds - first);
    if (count <= 0) return Promise.resolve(0);
    const args = [process.argv[1]!, "--from", `${first}`, "--seeds", `${count}`];
    if (profile !== undefined) args.push("--profile", profile);
    return new Promise<number>((resolve) => {
      const child = spawn(process.execPath, [...process.execArgv, ...args], { stdio: "inherit" });
      child.on("exit", (code) => resolve(code === 0 ? 0 : 1));
    });
  });
  return (await Promise.all(runs)).reduce((sum, one) => sum + one, 0);
}
