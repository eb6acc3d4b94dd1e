/**
 * References to docs/spec: each resolves to an anchor, and none lacks its page.
 *
 *   docs/spec/daemonset-controller.md#23.16   everywhere
 *   #9.1                                      later in the same file: of the page that was named last
 *   I4                                        in a file that names docs/spec/invariants.md
 *   #9.1, api-server.md#9.1                   between the pages of docs/spec: of the page itself, of another
 */
import { expect, test } from "vitest";
import { files, isGenerated } from "./files.ts";
import type { SourceFile } from "./files.ts";

const pagePattern = "api-server|daemonset-controller|daemon-policy|invariants|node-agent|upstream-tests";
/** A page with or without its folder and anchor; an anchor alone; an invariant's number alone. */
const referencePattern = new RegExp(
  `(?<![\\w.-])(?<folder>(?:[\\w.-]*/)*)(?<page>${pagePattern})\\.md(?:#(?<anchor>\\w+(?:\\.\\w+)*))?` +
    "|(?<![\\w/&#(])(?:\\()?#(?<short>\\d+(?:\\.\\d+)*)(?![\\w-])" +
    "|(?<![\\w/#.-])(?<invariant>I[1-9]\\d?)(?![\\w-])",
  "g",
);
const loosePatterns: readonly RegExp[] = [
  /\bsections?[\s*/]+\d[\d.]*/gi,
  /§ ?\d[\d.]*/g,
  /\b(the|behaviour|shared)[\s*/]+specification\b/gi,
  /\bAPI spec\b/g,
  new RegExp(`docs/spec/(?!(${pagePattern}|README)\\.md)[\\w.-]+`, "g"),
  /(?<= )\(\d{1,2}\.\d{1,2}((, |; | and )\d{1,2}\.\d{1,2})*\)/g,
];

type Anchors = ReadonlyMap<string, ReadonlySet<string>>;

const isSpec = (path: string): boolean => path.startsWith("docs/spec/");
const pageOf = (path: string): string => path.slice("docs/spec/".length, -".md".length);

function anchorsOf(pages: readonly SourceFile[]): Anchors {
  return new Map(
    pages.map(({ path, text }) => [
      pageOf(path),
      new Set([...text.matchAll(/<a id="([^"]+)"><\/a>/g)].map((match) => match[1]!)),
    ]),
  );
}

/** What is wrong with the references of one file. */
function findings({ path, text }: SourceFile, anchors: Anchors): readonly string[] {
  const found: string[] = [];
  const report = (at: number, what: string): void => {
    found.push(`${path}:${text.slice(0, at).split("\n").length}: ${what}`);
  };
  const namesInvariants = isSpec(path) || text.includes("docs/spec/invariants.md");
  const own = anchors.has(pageOf(path)) && isSpec(path) ? pageOf(path) : undefined;
  let page = own;
  for (const match of text.matchAll(referencePattern)) {
    const { folder, page: named, anchor, short, invariant } = match.groups!;
    if (named !== undefined) {
      if (folder !== "docs/spec/" && !isSpec(path)) report(match.index, `${match[0]}: no docs/spec/`);
      if (anchor !== undefined && !anchors.get(named)!.has(anchor))
        report(match.index, `${match[0]} does not exist`);
      page = own ?? named;
    } else if (invariant !== undefined) {
      if (!namesInvariants)
        report(match.index, `${invariant} in a file that names no docs/spec/invariants.md`);
      else if (!anchors.get("invariants")!.has(invariant)) report(match.index, `${invariant} does not exist`);
    } else if (page !== undefined && !anchors.get(page)!.has(short!)) {
      report(match.index, `#${short} is not in ${page}.md`);
    }
  }
  for (const pattern of isSpec(path) ? [] : loosePatterns)
    for (const match of text.matchAll(pattern))
      report(match.index, `${match[0].replace(/\s+/g, " ")}: of which page?`);
  return found;
}

const all = files().filter(
  ({ path, text }) =>
    !isGenerated(text) && path !== "test/house/references.test.ts" && path !== "package-lock.json",
);
const pages = all.filter(({ path }) => isSpec(path) && path !== "docs/spec/README.md");
const anchors = anchorsOf(pages);

test("every reference to docs/spec resolves, and none lacks its page", () => {
  expect(all.flatMap((file) => findings(file, anchors))).toEqual([]);
});

test("every page is known here, every heading has an anchor, and none stands twice on a page", () => {
  expect([...anchors.keys()].sort()).toEqual(pagePattern.split("|").sort());
  for (const { path, text } of pages) {
    expect(text.match(/^##+ (?!<a id=).*/gm), path).toBeNull();
    const ids = [...text.matchAll(/<a id="([^"]+)">/g)].map((match) => match[1]!);
    expect(
      ids.filter((id, index) => ids.indexOf(id) !== index),
      path,
    ).toEqual([]);
  }
});

const plantedAnchors: Anchors = new Map([
  ["invariants", new Set(["I4", "2"])],
  ["daemonset-controller", new Set(["9", "9.1"])],
]);
const inCode = (text: string): readonly string[] =>
  findings({ path: "src/api/planted.ts", text }, plantedAnchors);

test.each([
  "docs/spec/daemonset-controller.md#9.2",
  "docs/spec/daemonset-controller.md#9, and #9.3",
  "docs/spec/daemonset-controller.md#9, then docs/spec/invariants.md#2, then #9.1",
  "docs/spec/scheduler.md#1",
  "daemonset-controller.md#9",
  "see invariants.md, limits",
  "api-server.md section 16",
  "(I4)",
  "I5 of docs/spec/invariants.md",
  "of section 9",
  "(section\n * 9.1)",
  "§9",
  "one pod a node (9.1)",
  "one pod a node (9.1, 9.2)",
  "by the specification's rules",
  "4.2 of the API spec",
])("planted: %j is reported", (text) => {
  expect(inCode(text)).toHaveLength(text.startsWith("api-server.md section") ? 2 : 1);
});

test.each([
  "docs/spec/daemonset-controller.md#9.1. And then (#9).",
  "docs/spec/invariants.md has I4 and #2",
  "k/k#117658, TODO(#12), #3 and #2.3 of a file that names no page",
  "a server of 1.33 (up to 1.34) in a median of 1.29 (1.26 - 1.34) s, f(1.5)",
  "its specification",
])("%j is accepted", (text) => {
  expect(inCode(text)).toEqual([]);
});

test("planted between the pages: own anchors, and another page's", () => {
  const path = "docs/spec/daemonset-controller.md";
  const text = "#9.1, #8, invariants.md#2, invariants.md#9";
  expect(findings({ path, text }, plantedAnchors)).toEqual([
    `${path}:1: #8 is not in daemonset-controller.md`,
    `${path}:1: invariants.md#9 does not exist`,
  ]);
});
