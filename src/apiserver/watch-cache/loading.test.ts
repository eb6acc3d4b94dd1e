/** What a resource that is being added holds, by what its list and the changes say. */
import { expect, test } from "vitest";
import type { KeyValue, StoreEvent } from "../../storage/index.ts";
import { Loading } from "./loading.ts";

const item = (name: string): KeyValue => ({ key: `/g/r/${name}` }) as KeyValue;
const change = (name: string, revision: number): StoreEvent =>
  ({ type: "put", key: `/g/r/${name}`, revision }) as StoreEvent;

function filled(loading: Loading, revision: number): readonly string[] {
  const told: string[] = [];
  loading.fill(revision, {
    replace: (items, at) => told.push(`${items.map(({ key }) => key.slice(5)).join()}@${at}`),
    apply: (one) => told.push(`${one.key.slice(5)}@${one.revision}`),
  });
  return told;
}

test("what its list said, then the changes after it", () => {
  const loading = new Loading();
  loading.take(change("a", 3));
  loading.add([item("a")]);
  loading.add([item("b")]);
  loading.listedAt(4);
  loading.take(change("b", 5));
  expect(filled(loading, 5)).toEqual(["a,b@4", "b@5"]);
});

test("it must not be newer than the rest", () => {
  const loading = new Loading();
  loading.listedAt(7);
  expect(() => filled(loading, 6)).toThrow("newer than the others");
});
