/** IPAddresses: the name is the address, and its parent stays. */
import { expect, test } from "vitest";
import { cellsOf, errorsOf, updateErrorsOf } from "../../testing/kind-fixtures.ts";

const schema = "networking.v1.IPAddress";
const address = (name: string, parentRef?: object): object => ({
  metadata: { name },
  spec: parentRef === undefined ? {} : { parentRef },
});
const service = { resource: "services", namespace: "default", name: "a" };

test.each<[object, string[]]>([
  [address("10.0.0.1", service), []],
  [
    address("a", service),
    ['metadata.name: Invalid value: "a": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
  ],
  [address("10.0.0.1"), ["spec.parentRef: Required value"]],
  [address("10.0.0.1", { resource: "services" }), ["spec.parentRef.name: Required value"]],
  [address("10.0.0.1", { name: "a" }), ["spec.parentRef.resource: Required value"]],
])("%j", (object, errors) => {
  expect(errorsOf(schema, object)).toEqual(errors);
});

test("another parent is refused", () => {
  const other = address("10.0.0.1", { ...service, name: "b" });
  expect(updateErrorsOf(schema, other, address("10.0.0.1", service))).toEqual([
    'spec.parentRef: Invalid value: {"Group":"","Resource":"services","Namespace":"default","Name":"b"}: field is immutable',
  ]);
});

test.each<[object, string]>([
  [service, "services/default/a"],
  [{ group: "example.com", resource: "Things", name: "b" }, "things.example.com/b"],
])("%j shows as %s", (parent, text) => {
  expect(cellsOf(schema, address("10.0.0.1", parent))).toMatchObject({ ParentRef: text });
});
