/** docs/metrics.md names every metric that the code makes, with its type, and none that it does not make. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");

/** Type by name, as the calls in a source text make them. */
function made(text: string): readonly (readonly [name: string, type: string])[] {
  const calls = text.matchAll(/\b(counter|gauge|histogram)\(\s*"([^"]+)"/g);
  return [...calls].map(([, type, name]) => [name!, type!]);
}

/** Type by name, as the tables of the page have them. */
function documented(page: string): readonly (readonly [name: string, type: string])[] {
  const rows = page.matchAll(/^\| `([a-z0-9_]+)`\s*\| (counter|gauge|histogram)\b/gm);
  return [...rows].map(([, name, type]) => [name!, type!]);
}

function sources(): readonly string[] {
  const paths = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
  return paths
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts") && !path.startsWith("testing"))
    .map((path) => readFileSync(join(root, "src", path), "utf8"));
}

const inCode = sources().flatMap(made).toSorted();
const onPage = documented(readFileSync(join(root, "docs", "metrics.md"), "utf8")).toSorted();

test("the page and the code name the same metrics, each once and with its type", () => {
  expect(inCode.length).toBeGreaterThan(30);
  expect(onPage).toEqual(inCode);
});

test("counters end in _total and histograms in their unit", () => {
  const wrong = inCode.filter(
    ([name, type]) =>
      (type === "counter") !== name.endsWith("_total") ||
      (type === "histogram" && !/_(seconds|bytes)$/.test(name)),
  );
  expect(wrong).toEqual([]);
});

test("planted: metrics that are made in each way are found", () => {
  const planted =
    'const a = metrics.counter("a_total", "A."); metrics.histogram(\n    "b_seconds",\n "B.", []);';
  expect(made(planted)).toEqual([
    ["a_total", "counter"],
    ["b_seconds", "histogram"],
  ]);
  expect(documented("| `a_total`   | counter | x |\n| `msg` | 30 |\n")).toEqual([["a_total", "counter"]]);
});
