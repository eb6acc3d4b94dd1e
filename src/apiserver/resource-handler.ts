/**
 * One call on a resource: which kind it is about, then the read or the write that its verb asks for.
 * Not here: who may do it (handler.ts), what reads and writes do (registry/), paths that are no resource (discovery/).
 */
import type { Kind } from "../api/index.ts";
import { type Clock, withMembers } from "../base/index.ts";
import {
  type ApiRequest,
  type ApiReply,
  badRequest,
  goQuote,
  methodNotAllowed,
  methodNotServed,
  pathNotFound,
  type RequestInfo,
  type ResourceVerb,
  type StatusError,
} from "../machinery/index.ts";
import { deleteOptionsOf } from "./registry/delete-options.ts";
import { deleteEach, deleteObject } from "./registry/deletion.ts";
import { checkAccept, checkPatchType, plainForm, replyForm } from "./registry/negotiate.ts";
import { patchObject } from "./registry/patches.ts";
import { readOptions, writeOptions, type WriteOptionsKind } from "./registry/query.ts";
import { listReply, type ReadRequest, type Reads, selectionOf } from "./registry/reads.ts";
import { type ShownAs, stateReply, successReply } from "./registry/replies.ts";
import {
  isStored,
  type ResourceRegistry,
  type Served,
  type ServedResource,
} from "./registry/resource-registry.ts";
import { callerOf, type Target, type WriteRequest, writerOf, type Written } from "./registry/change.ts";
import type { Writes } from "./registry/writes.ts";
import { serverObjects } from "./registry/server-objects.ts";
import type { Connector, ServerObjects } from "./registry/definition.ts";

export interface ResourceHandlerDependencies {
  readonly resources: ResourceRegistry;
  readonly reads: Reads;
  readonly writes: Writes;
  readonly clock: Clock;
}

/** A call that is known to be about a kind, with a verb that the kind has. */
export interface ResourceRequest {
  readonly call: ApiRequest;
  readonly info: RequestInfo;
  readonly verb: ResourceVerb;
  readonly kind: Kind;
  readonly served: ServedResource;
  /** Absent of a kind without namespaces, and of calls over all namespaces. */
  readonly namespace: string | undefined;
}

export class ResourceHandler {
  readonly #deps: ResourceHandlerDependencies;

  readonly #objects: ServerObjects;

  constructor(dependencies: ResourceHandlerDependencies) {
    this.#deps = dependencies;
    this.#objects = serverObjects(dependencies);
  }

  /** @throws StatusError 404 for unknown resources, names and subresources, 405 for verbs that they lack. */
  requestOf(call: ApiRequest, info: RequestInfo): ResourceRequest {
    const served = this.#deps.resources.find(info.apiGroup, info.apiVersion, info.resource);
    if (served === undefined || info.isVerbInPath || info.parts.length > 3) throw pathNotFound();
    const { kind } = served;
    const { namespaced } = kind.resource;
    const isCollection = info.parts.length === 1;
    if (namespaced ? !info.isInNamespace && !isCollection : info.isInNamespace) throw pathNotFound();
    const verb = verbOf(info);
    if (verb === undefined || call.method === "HEAD") throw methodNotServed();
    const namespace = info.isInNamespace ? info.namespace : undefined;
    if (info.subresource !== "") {
      const subresource = kind.subresources.find((candidate) => candidate.name === info.subresource);
      if (subresource === undefined) throw pathNotFound();
      if (!subresource.verbs.includes(verb)) throw verbRefused(served, verb);
      checkTypes(call, verb);
      return { call, info, verb, kind, served, namespace };
    }
    const needsNamespace = verb === "create" || verb === "deletecollection";
    if (!kind.verbs.includes(verb) || (namespaced && needsNamespace && namespace === undefined)) {
      throw methodNotServed();
    }
    checkTypes(call, verb);
    return { call, info, verb, kind, served, namespace };
  }

  async serve(request: ResourceRequest): Promise<ApiReply> {
    const { info, kind, served, namespace } = request;
    if (!isStored(served)) return this.#connect(served.answers, request);
    const subresource = info.subresource === "" ? undefined : served.subresources.get(info.subresource);
    if (subresource?.as === "connector") return this.#connect(subresource, request);
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
        const write = withMembers(writeRequest(request, "PatchOptions"), { target: subTarget(request) });
        return this.#writeReply(served, request, await patchObject(this.#deps.writes, served, write));
      }
      case "delete":
        return this.#delete(served, request, kind);
      case "deletecollection":
        return this.#deleteCollection(served, request);
    }
  }

  async #connect(connector: Connector, request: ResourceRequest): Promise<ApiReply> {
    const { call, info, verb, kind, namespace } = request;
    const { writes } = this.#deps;
    const does = connector.verbs[verb];
    if (does === undefined) throw methodNotServed();
    const name = info.parts.length > 1 ? targetOf(request).name : "";
    const asked = { call, namespace, name, objects: this.#objects };
    if (does.operation === undefined) return does.serve(asked);
    const writer = writerOf(writeRequest(request, "CreateOptions"));
    const about = does.admittedAs ?? { resource: kind.resource, subresource: info.subresource };
    const admitted = writes.admission({
      operation: does.operation,
      ...about,
      writer,
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === "" ? {} : { name }),
    });
    const object = does.read(call);
    if (admitted.isAsked) await writes.caughtUp();
    await admitted.admit(object as object);
    does.check?.(object, asked);
    await admitted.validate(object as object);
    return does.serve(object, withMembers(asked, { writer }));
  }

  #writeReply(served: Served, request: ResourceRequest, written: Written): ApiReply {
    const { state, isCreated } = written;
    return stateReply(served, state, {
      status: isCreated ? 201 : 200,
      shownAs: this.#shownAs(request),
    });
  }

  async #delete(served: Served, request: ResourceRequest, kind: Kind): Promise<ApiReply> {
    const { call } = request;
    const options = deleteOptionsOf(call);
    const writer = { ...callerOf(call), isDryRun: options.isDryRun };
    const { state, isRemoved } = await deleteObject(this.#deps.writes, served, {
      target: targetOf(request),
      options,
      writer,
    });
    if (!isRemoved || kind.deleteReturnsObject)
      return stateReply(served, state, { status: 200, shownAs: this.#shownAs(request) });
    const { group, resource } = kind.resource;
    const { name, uid } = state.object.metadata;
    return successReply(200, {
      name: name!,
      ...(group === "" ? {} : { group }),
      kind: resource,
      ...(uid === undefined ? {} : { uid }),
    });
  }

  async #deleteCollection(served: Served, request: ResourceRequest): Promise<ApiReply> {
    const { call, namespace } = request;
    const options = deleteOptionsOf(call);
    const read = readRequest(request);
    const page = await this.#deps.reads.page(
      served,
      selectionOf(served, namespace, read.options),
      read.options,
    );
    const writer = { ...callerOf(call), isDryRun: options.isDryRun };
    const deleted = await deleteEach(this.#deps.writes, served, { states: page.states, options, writer });
    const meta = { resourceVersion: String(page.revision) };
    const states = deleted.map(({ state }) => state);
    return listReply(served, states, { meta, shownAs: this.#shownAs(request) });
  }

  #shownAs(request: ResourceRequest): ShownAs {
    const { includeObject } = readOptions(request.call.query.filter(([name]) => name === "includeObject"));
    return { form: replyForm(request.call.accept), includeObject, nowMs: this.#deps.clock.nowMs() };
  }
}

/** Kinds that are learnt at run time have no routes of their own at upstream, but a handler that knows the resource. */
function verbRefused({ kind, definition }: ServedResource, verb: ResourceVerb): StatusError {
  return definition.schemas === undefined ? methodNotServed() : methodNotAllowed(kind.resource, verb);
}

/** @throws StatusError 415, 406, as upstream's router, before anything is looked up. */
function checkTypes(call: ApiRequest, verb: ResourceVerb): void {
  if (verb === "patch") checkPatchType(call.contentType);
  checkAccept(call.accept, verb === "list" || verb === "watch");
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

/** @throws StatusError 400 for names that no key can hold; a name that is only unknown is found out later. */
function targetOf({ info: { name }, namespace }: ResourceRequest): Target {
  const wrong =
    name === "." || name === ".." ? `may not be '${name}'` : name.includes("%") ? "may not contain '%'" : "";
  if (wrong !== "") throw badRequest(`Name parameter invalid: ${goQuote(name)}: ${wrong}`);
  return { name, ...(namespace === undefined ? {} : { namespace }) };
}

function subTarget(request: ResourceRequest): Target & { readonly subresource?: string } {
  const { subresource } = request.info;
  return subresource === "" ? targetOf(request) : withMembers(targetOf(request), { subresource });
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
