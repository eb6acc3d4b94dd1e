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
import type { ResourceRoute } from "./filters/routes.ts";
import type { Served, ServedResources } from "./registry/served.ts";

export interface ResourceHandlerDependencies {
  readonly kinds: readonly Kind[];
  readonly served: ServedResources;
  readonly reads: Reads;
  readonly writes: Writes;
  readonly nodeLogs: NodeLogs | undefined;
  readonly clock: Clock;
}

type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

/** What a call is about, once its path has been understood. */
export interface ResourceRequest {
  readonly call: ApiCall;
  readonly route: ResourceRoute;
  readonly verb: Verb;
  readonly kind: Kind;
}

export class ResourceHandler {
  readonly #deps: ResourceHandlerDependencies;
  readonly #kinds = new Map<string, Kind>();

  constructor(dependencies: ResourceHandlerDependencies) {
    this.#deps = dependencies;
    for (const kind of dependencies.kinds) this.#kinds.set(kindKey(kind.resource), kind);
  }

  /** @throws StatusError 404 for unknown resources, names and subresources, 405 for verbs that they lack. */
  requestOf(call: ApiCall, route: ResourceRoute): ResourceRequest {
    const kind = this.#kinds.get(kindKey(route));
    if (kind === undefined) throw pathNotFound();
    const { namespaced } = kind.resource;
    if (!namespaced && route.namespace !== undefined) throw pathNotFound();
    if (namespaced && route.namespace === undefined && route.name !== undefined) throw pathNotFound();
    const verb = verbOf(call, route);
    if (verb === undefined) throw methodNotAllowed(kind.resource, call.method.toLowerCase());
    if (route.subresource !== undefined) {
      const subresource = kind.subresources.find((candidate) => candidate.name === route.subresource);
      if (subresource === undefined) throw pathNotFound();
      if (!subresource.verbs.includes(verb)) throw methodNotAllowed(kind.resource, verb);
      return { call, route, verb, kind };
    }
    const needsNamespace = verb === "create" || verb === "deletecollection";
    if (!kind.verbs.includes(verb) || (namespaced && needsNamespace && route.namespace === undefined)) {
      throw methodNotAllowed(kind.resource, verb);
    }
    return { call, route, verb, kind };
  }

  async serve(request: ResourceRequest): Promise<ApiReply> {
    const { route, kind } = request;
    const served = this.#deps.served.find(route.group, route.version, route.resource);
    if (served === undefined) return this.#answer(request);
    if (route.subresource !== undefined && route.subresource !== "status")
      return this.#subresource(served, request);
    switch (request.verb) {
      case "get":
        return this.#deps.reads.get(served, targetOf(route), readRequest(request));
      case "list":
        return this.#deps.reads.list(served, route.namespace, readRequest(request));
      case "watch":
        return this.#deps.reads.watch(served, route.namespace, readRequest(request));
      case "create":
        return this.#writeReply(
          served,
          request,
          await this.#deps.writes.create(served, route.namespace, writeRequest(request, "CreateOptions")),
        );
      case "update":
        return this.#writeReply(
          served,
          request,
          await this.#deps.writes.update(served, subTarget(route), writeRequest(request, "UpdateOptions")),
        );
      case "patch": {
        const write = { ...writeRequest(request, "PatchOptions"), target: subTarget(route) };
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
    const { call, route } = request;
    const { writes, nodeLogs } = this.#deps;
    const target = targetOf(route);
    switch (`${route.resource}/${route.subresource}`) {
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
    const { kind, route } = request;
    if (kind.resource.resource !== "bindings") throw methodNotAllowed(kind.resource, request.verb);
    const pods = this.#deps.served.find("", "v1", "pods")!;
    const target = route.namespace === undefined ? {} : { namespace: route.namespace };
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
    const { call, route } = request;
    const options = deleteOptionsOf(call, this.#deps.writes.schemas);
    const writer = { user: call.user, isDryRun: options.isDryRun };
    const { state, isRemoved, warnings } = await deleteObject(this.#deps.writes, served, {
      target: targetOf(route),
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
    const { call, route } = request;
    const options = deleteOptionsOf(call, this.#deps.writes.schemas);
    const read = readRequest(request);
    const page = await this.#deps.reads.page(
      served,
      selectionOf(served, route.namespace, read.options),
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

function verbOf(call: ApiCall, route: ResourceRoute): Verb | undefined {
  const isCollection = route.name === undefined;
  switch (call.method) {
    case "GET":
    case "HEAD":
      if (!isCollection) return "get";
      return readOptions(call.query).isWatch ? "watch" : "list";
    case "POST":
      return isCollection || route.subresource !== undefined ? "create" : undefined;
    case "PUT":
      return isCollection ? undefined : "update";
    case "PATCH":
      return isCollection ? undefined : "patch";
    case "DELETE":
      return isCollection ? "deletecollection" : "delete";
    case "OPTIONS":
      return undefined;
  }
}

function kindKey(resource: {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}): string {
  return `${resource.group}/${resource.version}/${resource.resource}`;
}

/** @throws StatusError 400 for names that no key can hold; a name that is only unknown is found out later. */
function targetOf(route: ResourceRoute): Target {
  const name = route.name!;
  const wrong =
    name === "." || name === ".." ? `may not be '${name}'` : name.includes("%") ? "may not contain '%'" : "";
  if (wrong !== "") throw badRequest(`Name parameter invalid: ${goQuote(name)}: ${wrong}`);
  return { name, ...(route.namespace === undefined ? {} : { namespace: route.namespace }) };
}

function subTarget(route: ResourceRoute): Target & { readonly subresource?: string } {
  return {
    ...targetOf(route),
    ...(route.subresource === undefined ? {} : { subresource: route.subresource }),
  };
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
