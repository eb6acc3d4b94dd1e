/**
 * The way of every write, the same for all kinds:
 *
 *   decode ─▶ defaults ─▶ plug-ins admit ─▶ prepare ─▶ rules of the kind ─▶ plug-ins validate ─▶ encode once
 *     ─▶ is it any change? ─▶ store (compare and set)
 *
 * Not here: deletion (deletion.ts), patching (patches.ts), reading (reads.ts), what single subresources do (resources/).
 */
import type { WriteContext } from "../../api/index.ts";
import { assert, type Clock, nameSuffix, type Random, withMembers } from "../../base/index.ts";
import {
  alreadyExists,
  badRequest,
  copyJson,
  type Draft,
  type FieldError,
  formatTime,
  generateNameConflict,
  invalid,
  invalidValue,
  isAlreadyExists,
  isConflict,
  type KubeObject,
  notFound,
  type ObjectMeta,
  requestEntityTooLarge,
  semanticEqual,
} from "../../machinery/index.ts";
import { type Store, storageFailureOf, valueBytesMax } from "../../storage/index.ts";
import type { AdmissionChain } from "../admission/chain.ts";
import { type BodyRequest, decodeBody } from "./bodies.ts";
import type { Cacher } from "../watch-cache/cacher.ts";
import type { StoredObject, WrittenObjects } from "../watch-cache/encode.ts";
import {
  carriedMetadata,
  changedMetadataErrors,
  checkResourceVersion,
  checkUid,
  dropDuplicateOwners,
  isConditional,
  metadataErrors,
  metadataUpdateErrors,
  newMetadata,
  ordered,
  withoutSystemFields,
} from "./metadata.ts";
import { type Allocator, type AllocatorOf, revertAfter } from "./allocator.ts";
import { type AdmittedRequest, AdmittedWrite, type Writer } from "./admitted-write.ts";
import {
  type Change,
  conflictAttempts,
  type NextState,
  type Target,
  type WriteRequest,
  writerOf,
  type Written,
} from "./change.ts";
import type { NextOfView } from "./definition.ts";
import { KeyTurns } from "./key-turns.ts";
import { newestOf, type Served } from "./resource-registry.ts";
import { copyMember } from "./status-view.ts";
import { statusErrorOf } from "./storage-errors.ts";
import {
  checkAddress,
  checkNamespace,
  checkReplaced,
  isFinished,
  isMissing,
  isTaken,
  takenError,
} from "./write-checks.ts";

export interface WritesDependencies {
  readonly store: Store;
  readonly cacher: Cacher;
  readonly written: WrittenObjects;
  readonly admission: AdmissionChain;
  readonly clock: Clock;
  readonly random: Random;
  readonly allocatorOf?: AllocatorOf;
}

/** Names tried for generateName; as upstream since 1.30. */
const generateNameAttempts = 8;
/** Longest prefix of a generated name, and length of its random end. */
const generateNamePrefixMax = 58;
const generateNameSuffixLength = 5;

export class Writes {
  readonly #deps: WritesDependencies;
  readonly #turns: KeyTurns;

  constructor(dependencies: WritesDependencies) {
    this.#deps = dependencies;
    this.#turns = new KeyTurns(dependencies.clock);
  }

  /** How the admission chain sees one request. */
  admission(request: AdmittedRequest): AdmittedWrite {
    return new AdmittedWrite(this.#deps.admission, request);
  }

  /** Undefined when the caches hold everything that was acknowledged until now. */
  caughtUp(): Promise<void> | undefined {
    return this.#deps.cacher.catchUp();
  }

  context(writer: Writer): WriteContext {
    return { nowMs: this.#deps.clock.nowMs(), user: writer.user };
  }

  /** POST to a collection. */
  async create(served: Served, namespace: string | undefined, request: WriteRequest): Promise<Written> {
    const object = decodeBody(served, bodyRequest(request));
    const draft = served.shape === undefined ? object : (served.shape.stored(object) as Draft<KubeObject>);
    return this.createObject(served, draft, {
      writer: writerOf(request),
      ...(namespace === undefined ? {} : { namespace }),
    });
  }

  /** Creates from an object in the stored shape, which it takes over. */
  async createObject(
    served: Served,
    draft: Draft<KubeObject>,
    options: { readonly writer: Writer; readonly namespace?: string },
  ): Promise<Written> {
    const { kind, storage } = served;
    const submitted = draft.metadata;
    checkNamespace(served, submitted.namespace, options.namespace);
    if (submitted.resourceVersion)
      throw badRequest("resourceVersion should not be set on objects to be created");
    const place = options.namespace === undefined ? {} : { namespace: options.namespace };
    draft.metadata = withoutSystemFields(submitted, place);
    storage.rules.setDefaults?.(draft);
    const admitted = this.admission({
      operation: "CREATE",
      resource: storage.resource,
      writer: options.writer,
      ...place,
    });
    await this.caughtUp();
    await admitted.admit(draft);
    const context = this.context(options.writer);
    draft.metadata = newMetadata(draft.metadata, {
      uid: this.#deps.random.uuid(),
      now: formatTime(context.nowMs),
      ...place,
      ...(storage.hasGeneration ? { generation: 1 } : {}),
    });
    for (const text of dropDuplicateOwners(draft.metadata)) options.writer.warn?.(text);
    storage.rules.prepareForCreate?.(draft, context);
    const state = await this.#createNamed(served, draft, { admitted, writer: options.writer });
    if (kind.unactedWarning !== undefined) options.writer.warn?.(kind.unactedWarning);
    return { state, isCreated: true };
  }

  async #createNamed(
    served: Served,
    draft: Draft<KubeObject>,
    { admitted, writer }: { readonly admitted: AdmittedWrite; readonly writer: Writer },
  ): Promise<StoredObject> {
    const prefix = draft.metadata.name ? undefined : draft.metadata.generateName;
    const allocator = this.#allocatorOf(served);
    for (let attempt = 1; ; attempt++) {
      // A lost name is tried on a copy: the first one may be in the hands of the store already.
      const copy = allocator === undefined ? draft : copyJson(draft);
      const object =
        prefix === undefined
          ? draft
          : { ...copy, metadata: ordered(withMembers(draft.metadata, { name: this.#generated(prefix) })) };
      const { isDryRun } = writer;
      const allocation = await allocator?.allocate(object, undefined, { isDryRun });
      try {
        const state = await this.#createValid(served, object, { admitted, writer, isFirst: attempt === 1 });
        if (allocation !== undefined) await allocation.commit();
        return state;
      } catch (error) {
        await revertAfter(error, allocation);
        const name = object.metadata.name!;
        if (!isTaken(error, served, name)) throw error;
        if (prefix === undefined) throw takenError(error, await this.find(served, targetOf(object.metadata)));
        if (attempt === generateNameAttempts) throw generateNameConflict(served.kind.resource, name);
      }
    }
  }

  async #createValid(
    served: Served,
    object: Draft<KubeObject>,
    {
      admitted,
      writer,
      isFirst,
    }: { readonly admitted: AdmittedWrite; readonly writer: Writer; readonly isFirst: boolean },
  ): Promise<StoredObject> {
    const { name, namespace } = object.metadata;
    this.#validate(served, object, [
      ...metadataErrors(served.storage, object.metadata),
      ...(served.storage.rules.validate?.(object) ?? []),
    ]);
    if (isFirst) this.#warnOfNew(served, object, writer);
    await admitted.validate(object);
    newestOf(served);
    const { state, value } = this.#encode(served, object, { key: served.cache.keyOf(namespace, name!) });
    if (writer.isDryRun) {
      if (served.cache.get(namespace, name!) !== undefined) throw alreadyExists(served.kind.resource, name!);
      return state;
    }
    state.stamp(await this.#stored(served, name!, this.#deps.store.create(state.key, value)));
    return state;
  }

  #allocatorOf(served: Served): Allocator | undefined {
    return this.#deps.allocatorOf?.(served.storage.resource);
  }

  /** Before the store is asked, as upstream: who creates what is there already is warned, too. */
  #warnOfNew({ storage }: Served, object: KubeObject, writer: Writer): void {
    for (const text of storage.rules.warnings?.(object) ?? []) writer.warn?.(text);
  }

  #generated(prefix: string): string {
    return prefix.slice(0, generateNamePrefixMax) + nameSuffix(this.#deps.random, generateNameSuffixLength);
  }

  /** PUT of an object, or of its status. Creates kinds that may be created so. */
  async update(
    served: Served,
    target: Target & { readonly subresource?: string },
    request: WriteRequest,
  ): Promise<Written> {
    const first = this.#decodeFor(served, target, request);
    const names = isConditional(first.metadata);
    if (!names && !served.kind.allowsUnconditionalUpdate && (await this.find(served, target)) !== undefined) {
      const error = invalidValue("metadata.resourceVersion", 0, "must be specified for an update");
      throw invalid(served.kind.resource, target.name, [error]);
    }
    let drafts = 0;
    const update = (): Promise<Written> =>
      this.modify(served, target, {
        writer: writerOf(request),
        attempts: names ? 1 : conflictAttempts,
        next: (before) =>
          this.nextState(served, {
            draft: drafts++ === 0 ? first : this.#decodeFor(served, target, request),
            before,
            request,
            target,
          }),
      });
    const mayCreate = served.kind.allowsCreateOnUpdate && target.subresource === undefined && !names;
    return mayCreate ? this.#updateOrCreate(served, target, { request, update }) : update();
  }

  /** Whether the object is there may change again and again; upstream looks anew each time. */
  async #updateOrCreate(
    served: Served,
    target: Target,
    put: {
      readonly request: WriteRequest;
      readonly update: () => Promise<Written>;
    },
  ): Promise<Written> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await put.update();
      } catch (error) {
        if (!isMissing(error, served, target)) throw error;
      }
      const draft = this.#decodeFor(served, target, put.request);
      draft.metadata.name ??= target.name;
      try {
        return await this.createObject(served, draft, {
          writer: writerOf(put.request),
          ...(target.namespace === undefined ? {} : { namespace: target.namespace }),
        });
      } catch (error) {
        if (attempt >= conflictAttempts || !isAlreadyExists(error)) throw error;
      }
    }
  }

  #decodeFor(
    served: Served,
    target: Target & { readonly subresource?: string },
    request: WriteRequest,
  ): Draft<KubeObject> {
    const known = this.#knownParts(served, target, request);
    const body = bodyRequest(request);
    const object = decodeBody(served, known === undefined ? body : withMembers(body, { known }));
    checkAddress(served, object, target);
    return served.shape === undefined ? object : (served.shape.stored(object) as Draft<KubeObject>);
  }

  /**
   * Members of the stored object that a body from this process may hold as they are, and that nothing on the way of
   * an update changes in place: of a view all, else metadata where there are no defaults; nothing where a
   * plug-in may change the object.
   */
  #knownParts(
    served: Served,
    target: Target & { readonly subresource?: string },
    request: WriteRequest,
  ): object | undefined {
    if (request.call.body instanceof Uint8Array || served.shape !== undefined) return undefined;
    const { resource, rules } = served.storage;
    if (this.#deps.admission.step(resource, "UPDATE", target.subresource ?? "").admits) return undefined;
    const stored = served.cache.get(target.namespace, target.name)?.object;
    if (stored === undefined || target.subresource !== undefined) return stored;
    return rules.setDefaults === undefined ? { metadata: stored.metadata } : undefined;
  }

  /**
   * The state that `draft` asks for, with all that it may not change taken from `before`. Plug-ins are asked about
   * `before`, which the write is compared with afterwards. @throws StatusError 409, 422 and what plug-ins refuse with.
   */
  async nextState(served: Served, input: NextInput): Promise<NextState> {
    const { draft, before, request, target } = input;
    const { resource } = served.kind;
    const isMain = target.subresource === undefined;
    if (request.call.method === "PUT") checkReplaced(served, target, { uid: draft.metadata.uid, before });
    else checkUid(resource, draft.metadata.uid, before.metadata);
    if (isMain) served.storage.rules.setDefaults?.(draft);
    const admitted = this.admission({
      operation: "UPDATE",
      resource: served.storage.resource,
      writer: writerOf(request),
      ...target,
    });
    const waiting = admitted.admit(draft, before);
    if (waiting !== undefined) await waiting;
    if (isConditional(draft.metadata))
      checkResourceVersion(resource, draft.metadata.resourceVersion, before.metadata);
    if (!isMain)
      return { object: await this.#checked(served, input, { admitted, ...nextOfView(served, input) }) };
    this.#prepare(served, input);
    const { isDryRun } = writerOf(request);
    const allocation = await this.#allocatorOf(served)?.allocate(draft, before, { isDryRun });
    try {
      const errors = [
        ...metadataUpdateErrors(draft.metadata, before.metadata),
        ...(served.storage.rules.validateUpdate?.(draft, before) ?? []),
      ];
      const object = await this.#checked(served, input, { admitted, next: draft, errors });
      return allocation === undefined ? { object } : { object, allocation };
    } catch (error) {
      await allocation?.revert();
      throw error;
    }
  }

  async #checked(
    served: Served,
    { before, request, target }: NextInput,
    { admitted, next, errors }: NextOfView & { readonly admitted: AdmittedWrite },
  ): Promise<Draft<KubeObject>> {
    this.#validate(served, next, [
      ...changedMetadataErrors(served.storage, next.metadata, before.metadata),
      ...errors,
    ]);
    if (target.subresource === undefined && isSpecified(next, before))
      for (const text of served.storage.rules.warnings?.(next) ?? []) request.call.warn(text);
    const checking = admitted.validate(next, before);
    if (checking !== undefined) await checking;
    return next;
  }

  /** Takes over what an update may not change, in place. */
  #prepare(served: Served, { draft, before, request }: NextInput): void {
    const { storage } = served;
    const { rules } = storage;
    draft.metadata = carriedMetadata(draft.metadata, before);
    dropDuplicateOwners(draft.metadata);
    if (storage.hasStatusSubresource) copyMember(draft, before, "status");
    rules.prepareForUpdate?.(draft, before, this.context(writerOf(request)));
    if (storage.hasGeneration && !semanticEqual(member(draft, "spec"), member(before, "spec"))) {
      draft.metadata.generation = (before.metadata.generation ?? 0) + 1;
    }
  }

  /** The newest state, or undefined. @throws StatusError 404 when the resource is not served any more. */
  async find(served: Served, target: Target): Promise<StoredObject | undefined> {
    const behind = this.caughtUp();
    if (behind !== undefined) await behind;
    return newestOf(served).cache.get(target.namespace, target.name);
  }

  /**
   * Changes one object; nothing is written when nothing changes. An object that is being deleted and has lost its last
   * finalizer is removed instead.
   * @throws StatusError 404, 409, 429 and what `next` throws.
   */
  modify(served: Served, target: Target, change: Change): Promise<Written> {
    return this.inTurn(served, { target, writer: change.writer }, () =>
      this.#modifyInTurn(served, target, change),
    );
  }

  /**
   * Does the work when no other writer of this process is at the same object, so that it need not be done again.
   * @throws StatusError 429 when too many wait, the reason of the writer's signal when the caller goes meanwhile.
   */
  async inTurn<T>(
    { cache }: Served,
    { target, writer }: { readonly target: Target; readonly writer: Writer },
    work: () => Promise<T>,
  ): Promise<T> {
    if (writer.isDryRun) return work();
    const key = cache.keyOf(target.namespace, target.name);
    const end = this.#turns.tryTake(key) ?? (await this.#turns.take(key, writer.signal));
    try {
      return await work();
    } finally {
      end();
    }
  }

  async #modifyInTurn(served: Served, target: Target, change: Change): Promise<Written> {
    for (let attempt = 1; ; attempt++) {
      const before = await this.find(served, target);
      if (before === undefined) throw notFound(served.kind.resource, target.name);
      const { object: next, allocation } = await change.next(before.object);
      const isLast = isFinished(served.storage, next);
      try {
        const state = isLast
          ? await this.remove(served, before, { writer: change.writer, last: next })
          : await this.put(served, before, { writer: change.writer, next });
        if (allocation !== undefined) await (isLast ? allocation.revert() : allocation.commit());
        return { state, isCreated: false };
      } catch (error) {
        await revertAfter(error, allocation);
        if (attempt >= change.attempts || !(await this.lostRace(error))) throw error;
        change.writer.signal?.throwIfAborted();
      }
    }
  }

  /** Replaces `before` by `next` if it is still the newest state. @throws StatusError 409, 404 when the resource is gone. */
  async put(
    served: Served,
    before: StoredObject,
    change: { readonly writer: Writer; readonly next: KubeObject },
  ): Promise<StoredObject> {
    newestOf(served);
    const { state, value } = this.#encode(served, withoutVersion(change.next), {
      key: before.key,
      before: before.object,
    });
    if (before.holds(value)) return before;
    // Equal length is the cheap sign of equal members in another order.
    if (value.length === before.valueLength && semanticEqual(state.object, withoutVersion(before.object)))
      return before;
    if (change.writer.isDryRun) {
      state.stamp(before.revision);
      return state;
    }
    const { name } = served.cache.addressOf(before.key);
    const mayWait = served.storage.rules.mayWait?.(change.next) ?? false;
    const update = this.#deps.store.update(before.key, value, before.revision, { mayWait });
    state.stamp(await this.#stored(served, name, update));
    return state;
  }

  /**
   * Removes the object if `before` is still its newest state. @returns its last state.
   * @throws StatusError 409, 404 when the resource is gone.
   */
  async remove(
    served: Served,
    before: StoredObject,
    options: { readonly writer: Writer; readonly last?: KubeObject },
  ): Promise<StoredObject> {
    newestOf(served);
    const { writer, last } = options;
    const { name } = served.cache.addressOf(before.key);
    const revision = writer.isDryRun
      ? before.revision
      : await this.#stored(served, name, this.#deps.store.delete(before.key, before.revision));
    if (!writer.isDryRun) await this.#allocatorOf(served)?.release(before.object);
    if (last === undefined) return writer.isDryRun ? before : before.at(revision);
    const { state } = this.#encode(served, withoutVersion(last), { key: before.key });
    state.stamp(revision);
    return state;
  }

  /** Whether `error` says that somebody else wrote first; then waits until the caches hold what that was. */
  async lostRace(error: unknown): Promise<boolean> {
    const failure = isConflict(error) ? storageFailureOf((error as Error).cause) : undefined;
    if (failure?.code !== "conflict") return false;
    await this.#deps.cacher.reached(failure.actual);
    return true;
  }

  async #stored<T>(served: Served, name: string, write: Promise<T>): Promise<T> {
    try {
      return await write;
    } catch (error) {
      throw statusErrorOf(error, served, name);
    }
  }

  #encode(
    served: Served,
    object: KubeObject,
    { key, before }: { readonly key: string; readonly before?: KubeObject },
  ): { readonly state: StoredObject; readonly value: Uint8Array } {
    const encoded = this.#deps.written.encode(key, object, served.cache.resource, before);
    if (encoded.value.length > valueBytesMax) throw requestEntityTooLarge(`limit is ${valueBytesMax}`);
    return encoded;
  }

  #validate(served: Served, object: KubeObject, errors: readonly FieldError[]): void {
    if (errors.length === 0) return;
    const unique = new Map(errors.map((error) => [`${error.field} ${error.message}`, error]));
    throw invalid(served.kind.resource, object.metadata.name ?? "", [...unique.values()]);
  }
}

export interface NextInput {
  /** What the client wants, decoded; taken over. */
  readonly draft: Draft<KubeObject>;
  readonly before: KubeObject;
  readonly request: WriteRequest;
  readonly target: Target & { readonly subresource?: string };
}

function nextOfView({ subresources }: Served, { draft, before, target }: NextInput): NextOfView {
  const view = subresources.get(target.subresource!);
  assert(view?.as === "view", "no view of an object", target);
  return view.next(draft, before);
}

function bodyRequest(request: WriteRequest): BodyRequest {
  return { call: request.call, fieldValidation: request.options.fieldValidation };
}

/** Whether somebody has changed what an object asks for: its specification, or what annotations add to it. */
function isSpecified({ metadata: next }: KubeObject, { metadata: before }: KubeObject): boolean {
  return next.generation !== before.generation || !semanticEqual(next.annotations, before.annotations);
}

function targetOf({ name, namespace }: ObjectMeta): Target {
  return { name: name!, ...(namespace === undefined ? {} : { namespace }) };
}

function withoutVersion(object: KubeObject): KubeObject {
  if (object.metadata.resourceVersion === undefined) return object;
  return { ...object, metadata: ordered(object.metadata) };
}

function member(object: KubeObject, name: string): unknown {
  return (object as KubeObject & Record<string, unknown>)[name];
}
