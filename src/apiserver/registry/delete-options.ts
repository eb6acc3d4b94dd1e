/**
 * The options of a DELETE, from its body or its query.
 * Not here: what they do (deletion.ts).
 */
import { schemas } from "../../api/index.ts";
import {
  type ApiRequest,
  badRequest,
  decodeObject,
  type FieldError,
  invalidValue,
  notSupported,
  type SchemaType,
} from "../../machinery/index.ts";
import { notRegistered, parseBody } from "./bodies.ts";
import { dryRunErrors, first, integer, optionsInvalid } from "./query.ts";

/** Which object is meant, and in which state. */
export interface Preconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
  readonly preconditions?: Preconditions;
  readonly isDryRun: boolean;
}

/** From the body, or from the query when there is none. @throws StatusError 400, 422. */
export function deleteOptionsOf(call: ApiRequest): DeleteOptions {
  const { body } = call;
  const isEmpty = body === undefined || (body instanceof Uint8Array && body.length === 0);
  return isEmpty ? optionsFromQuery(call) : optionsFromBody(call);
}

function optionsFromQuery(call: ApiRequest): DeleteOptions {
  const { query } = call;
  const policy = first(query, "propagationPolicy");
  const orphan = first(query, "orphanDependents");
  const grace = integer(query, "gracePeriodSeconds");
  return checked({
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
    ...(orphan === undefined ? {} : { orphanDependents: orphan === "true" || orphan === "1" }),
    dryRun: dryRunOf(call),
  });
}

function dryRunOf(call: ApiRequest): string[] {
  return call.query.filter(([name]) => name === "dryRun").map(([, value]) => value);
}

/** What the schema says of a body; strangers' bodies are read by it, so that no wrong type is overlooked. */
interface RawOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: string;
  readonly orphanDependents?: boolean;
  readonly preconditions?: Preconditions;
  readonly dryRun?: readonly string[];
}

const optionsType: SchemaType = { table: schemas, name: "meta.v1.DeleteOptions" };

function optionsFromBody(call: ApiRequest): DeleteOptions {
  const { value } = parseBody(call, optionsType, {
    refuseKind: notRegistered,
    refuseBody: (fault) => fault,
  });
  const { object, errors } = decodeObject<RawOptions>(optionsType, value);
  if (errors.length > 0) throw badRequest(errors[0]!);
  const { dryRun = [] } = object;
  return checked({ ...object, dryRun: [...dryRun, ...dryRunOf(call)] });
}

/** In upstream's order. */
const policies = ["Foreground", "Background", "Orphan"] as const;

function checked(raw: RawOptions & { readonly dryRun: readonly string[] }): DeleteOptions {
  const { gracePeriodSeconds, orphanDependents: orphan, propagationPolicy, preconditions } = raw;
  const errors: FieldError[] = dryRunErrors(raw.dryRun);
  const policy = policies.find((known) => known === propagationPolicy);
  if (propagationPolicy !== undefined && policy === undefined) {
    errors.push(notSupported("propagationPolicy", propagationPolicy, [...policies, "nil"]));
  }
  if (policy !== undefined && orphan !== undefined) {
    errors.push(
      invalidValue(
        "propagationPolicy",
        policy,
        "orphanDependents and deletionPropagation cannot be both set",
      ),
    );
  }
  if (errors.length > 0) throw optionsInvalid("DeleteOptions", errors);
  const old = orphan === undefined ? undefined : orphan ? "Orphan" : "Background";
  const chosen = policy ?? old;
  return {
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(chosen === undefined ? {} : { propagationPolicy: chosen }),
    ...(preconditions === undefined ? {} : { preconditions }),
    isDryRun: raw.dryRun.length > 0,
  };
}
