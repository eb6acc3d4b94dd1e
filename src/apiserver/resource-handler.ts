/**
 * One call on a resource: which kind it is about, then the read or the write that its verb asks for.
 * Not here: who may do it (handler.ts), what reads and writes do (registry/), paths that are no resource (discovery/).
 */
import type { Kind } from "../api/index.ts";
import type { Clock } from "../base/index.ts";
import {
  type ApiCall,
  type ApiReply,
  badRequest,
  goQuote,
  methodNotAllowed,
  pathNotFound,
  type RequestInfo,
  type ResourceVerb,
} from "../machinery/index.ts";
import { deleteEach, deleteObject, deleteOptionsOf } from "./registry/deletion.ts";
import { finalizeNamespace } from "./resources/namespaces.ts";
import { plainForm, replyForm } from "./registry/negotiate.ts";
import { patchObject } from "./registry/patches.ts";
import { evictPod } from "./resources/eviction.ts";
import { bindPod, type NodeLogs, podLog } from "./resources/pods.ts";
import { readOptions, writeOptions, type WriteOptionsKind } from "./registry/query.ts";
import { listReply, type ReadRequest, type Reads, selectionOf } from "./registry/reads.ts";
import type { Writes, Target, WriteRequest, Written } from "./registry/writes.ts";
import { type ShownAs, stateReply, successReply, withWarnings } from "./registry/replies.ts";
import type { Served, ServedResources } from "./registry/served.ts";

export interface ResourceHandlerDependencies {
  readonly kinds: readonly Kind[];
  readonly served: ServedResources;
  readonly reads: Reads;
  readonly writes: Writes;
  readonly nodeLogs: NodeLogs | undefined;
  readonly clock: Clock;
}

/** A call that is known to be about a kind, with a verb that the kind has. */
export interface ResourceRequest {
  readonly call: ApiCall;
  readonly info: RequestInfo;
  readonly verb: ResourceVerb;
  readonly kind: Kind;
  /** Absent of a kind without namespaces, and of calls over all namespaces. */
  readonly namespace: string | undefined;
}

export class ResourceHandler {
  readonly #deps: ResourceHandlerDependencies;
  readonly #kinds = new Map<string, Kind>();

  constructor(dependencies: ResourceHandlerDependencies) {
    this.#deps = dependencies;
    for (const kind of dependencies.kinds) {
      const { group, version, resource } = kind.resource;
      this.#kinds.set(kindKey(group, version, resource), kind);
    }
  }

  /** @throws StatusError 404 for unknown resources, names and subresources, 405 for verbs that they lack. */
  requestOf(call: ApiCall, info: RequestInfo): ResourceRequest {
    const kind = this.#kinds.get(kindKey(info.apiGroup, info.apiVersion, info.resource));
    if (kind === undefined || info.isVerbInPath || info.parts.length > 3) throw pathNotFound();
    const { namespaced } = kind.resource;
    const isCollection = info.parts.length === 1;
    if (namespaced ? !info.isInNamespace && !isCollection : info.isInNamespace) throw pathNotFound();
    const verb = verbOf(info);
    if (verb === undefined) throw methodNotAllowed(kind.resource, call.method.toLowerCase());
    const namespace = info.isInNamespace ? info.namespace : undefined;
    if (info.subresource !== "") {
      const subresource = kind.subresources.find((candidate) => candidate.name === info.subresource);
      if (subresource === undefined) throw pathNotFound();
      if (!subresource.verbs.includes(verb)) throw methodNotAllowed(kind.resource, verb);
      return { call, info, verb, kind, namespace };
    }
    const needsNamespace = verb === "create" || verb === "deletecollection";
    if (!kind.verbs.includes(verb) || (namespaced && needsNamespace && namespace === undefined)) {
      throw methodNotAllowed(kind.resource, verb);
    }
    return { call, info, verb, kind, namespace };
  }

  async serve(request: ResourceRequest): Promise<ApiReply> {
    const { info, kind, namespace } = request;
    const served = this.#deps.served.find(info.apiGroup, info.apiVersion, info.resource);
    if (served === undefined) return this.#answer(request);
    if (info.subresource !== "" && info.subresource !== "status") return this.#subresource(served, request);
    switch (request.verb) {
      case "get":
        return this.#deps.reads.get(served, targetOf(request), readRequest(request));
      case "list":
        return this.#deps.reads.list(served, namespace, readRequest(request));
      case "watch":
        return this.#deps.reads.watch(served, namespace, readRequest(request));
      case "create":
        return this.#writeReply(
          served,
          request,
          await this.#deps.writes.create(served, namespace, writeRequest(request, "CreateOptions")),
        );
      case "update":
        return this.#writeReply(
          served,
          request,
          await this.#deps.writes.update(served, subTarget(request), writeRequest(request, "UpdateOptions")),
        );
      case "patch": {
        const write = { ...writeRequest(request, "PatchOptions"), target: subTarget(request) };
        return this.#writeReply(served, request, await patchObject(this.#deps.writes, served, write));
      }
      case "delete":
        return this.#delete(served, request, kind);
      case "deletecollection":
        return this.#deleteCollection(served, request);
    }
  }

  /** Subresources that are more than another view of the object. */
  async #subresource(served: Served, request: ResourceRequest): Promise<ApiReply> {
    const { call, info } = request;
    const { writes, nodeLogs } = this.#deps;
    const target = targetOf(request);
    switch (`${info.resource}/${info.subresource}`) {
      case "pods/binding":
        await bindPod(writes, served, { ...writeRequest(request, "CreateOptions"), target });
        return successReply(201);
      case "pods/eviction":
        return evictPod(writes, this.#deps.served, { ...writeRequest(request, "CreateOptions"), target });
      case "pods/log":
        return podLog(writes, served, { call, target, nodeLogs });
      case "namespaces/finalize":
        return this.#writeReply(
          served,
          request,
          await finalizeNamespace(writes, served, { ...writeRequest(request, "UpdateOptions"), target }),
        );
      default:
        throw pathNotFound();
    }
  }

  /** Kinds that are never stored: they only answer. */
  async #answer(request: ResourceRequest): Promise<ApiReply> {
    const { kind, namespace } = request;
    if (kind.resource.resource !== "bindings") throw methodNotAllowed(kind.resource, request.verb);
    const pods = this.#deps.served.find("", "v1", "pods")!;
    const target = namespace === undefined ? {} : { namespace };
    await bindPod(this.#deps.writes, pods, { ...writeRequest(request, "CreateOptions"), target });
    return successReply(201);
  }

  #writeReply(served: Served, request: ResourceRequest, written: Written): ApiReply {
    const { state, isCreated, warnings } = written;
    return stateReply(served, state, {
      status: isCreated ? 201 : 200,
      shownAs: this.#shownAs(request),
      warnings,
    });
  }

  async #delete(served: Served, request: ResourceRequest, kind: Kind): Promise<ApiReply> {
    const { call } = request;
    const options = deleteOptionsOf(call, this.#deps.writes.schemas);
    const writer = { user: call.user, isDryRun: options.isDryRun };
    const { state, isRemoved, warnings } = await deleteObject(this.#deps.writes, served, {
      target: targetOf(request),
      options,
      writer,
    });
    if (!isRemoved || kind.deleteReturnsObject)
      return stateReply(served, state, { status: 200, shownAs: this.#shownAs(request), warnings });
    const { group, resource } = kind.resource;
    const { name, uid } = state.object.metadata;
    const reply = successReply(200, {
      name: name!,
      ...(group === "" ? {} : { group }),
      kind: resource,
      ...(uid === undefined ? {} : { uid }),
    });
    return withWarnings(reply, warnings);
  }

  async #deleteCollection(served: Served, request: ResourceRequest): Promise<ApiReply> {
    const { call, namespace } = request;
    const options = deleteOptionsOf(call, this.#deps.writes.schemas);
    const read = readRequest(request);
    const page = await this.#deps.reads.page(
      served,
      selectionOf(served, namespace, read.options),
      read.options,
    );
    const writer = { user: call.user, isDryRun: options.isDryRun };
    const deleted = await deleteEach(this.#deps.writes, served, { states: page.states, options, writer });
    const meta = { resourceVersion: String(page.revision) };
    const states = deleted.map(({ state }) => state);
    const reply = listReply(served, states, { meta, shownAs: this.#shownAs(request) });
    return withWarnings(
      reply,
      deleted.flatMap(({ warnings }) => warnings),
    );
  }

  #shownAs(request: ResourceRequest): ShownAs {
    const { includeObject } = readOptions(request.call.query.filter(([name]) => name === "includeObject"));
    return { form: replyForm(request.call.accept), includeObject, nowMs: this.#deps.clock.nowMs() };
  }
}

/** Undefined when the method does nothing with what the path names: an object is not created, a collection not replaced. */
function verbOf({ verb, parts }: RequestInfo): ResourceVerb | undefined {
  switch (verb) {
    case "get":
    case "list":
    case "watch":
    case "delete":
    case "deletecollection":
      return verb;
    case "create":
      return parts.length === 2 ? undefined : verb;
    case "update":
    case "patch":
      return parts.length === 1 ? undefined : verb;
    default:
      return undefined;
  }
}

function kindKey(group: string, version: string, resource: string): string {
  return `${group}/${version}/${resource}`;
}

/** @throws StatusError 400 for names that no key can hold; a name that is only unknown is found out later. */
function targetOf({ info: { name }, namespace }: ResourceRequest): Target {
  const wrong =
    name === "." || name === ".." ? `may not be '${name}'` : name.includes("%") ? "may not contain '%'" : "";
  if (wrong !== "") throw badRequest(`Name parameter invalid: ${goQuote(name)}: ${wrong}`);
  return { name, ...(namespace === undefined ? {} : { namespace }) };
}

function subTarget(request: ResourceRequest): Target & { readonly subresource?: string } {
  const { subresource } = request.info;
  return { ...targetOf(request), ...(subresource === "" ? {} : { subresource }) };
}

function readRequest(request: ResourceRequest): ReadRequest {
  const { call } = request;
  return {
    options: readOptions(call.query),
    form: call.accept === undefined ? plainForm : replyForm(call.accept),
    signal: call.signal,
  };
}

function writeRequest(request: ResourceRequest, kind: WriteOptionsKind): WriteRequest {
  return { call: request.call, options: writeOptions(request.call, kind) };
}
