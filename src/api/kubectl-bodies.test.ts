/**
 * The same commands, sent as JSON by kubectl 1.31 and as protobuf by kubectl 1.33 (kubectl-bodies.json, recorded), mean
 * the same objects. Not here: any object (protobuf.prop.test.ts).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { decodeObject, decodeProtobuf, readEnvelope } from "../machinery/index.ts";
import { schemas } from "./schemas.ts";

interface Recorded {
  readonly command: string;
  readonly schema: string;
  readonly json: { readonly apiVersion: string; readonly kind: string };
  /** In base64. */
  readonly protobuf: string;
}

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, "kubectl-bodies.json"), "utf8"),
) as readonly Recorded[];

test.each(recorded)("$command", ({ schema, json, protobuf }) => {
  const type = { table: schemas, name: schema };
  const { raw, ...said } = readEnvelope(Buffer.from(protobuf, "base64"));
  const decoded = decodeObject(type, { ...said, ...decodeProtobuf(type, raw) });
  expect(decoded).toEqual(decodeObject(type, json));
  expect(decoded.errors).toEqual([]);
  expect(decoded.object).toMatchObject({ kind: json.kind, apiVersion: json.apiVersion });
});
