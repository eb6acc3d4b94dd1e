/** Face of `machinery`: what all objects share. Pure. See docs/designs/0001. */
export type { ApiRequest } from "./api-request.ts";
export {
  type ApiCall,
  type ApiHandler,
  type ApiReply,
  type CallBody,
  type CallHead,
  type CertificateSubject,
  type ConnectionCredentials,
  type Credentials,
  type DuplexStream,
  type Impersonation,
  type Method,
  type ReplyBody,
  type UpgradeWish,
  type UserInfo,
  type WatchEventType,
  type WatchFrame,
  type WatchSink,
} from "./call.ts";
export { type Decoded, type DecodeOptions, decodeObject, rawTextPaths } from "./decode.ts";
export { semanticEqual } from "./equality.ts";
export {
  childPath,
  duplicateValue,
  type FieldError,
  type FieldErrorReason,
  forbiddenField,
  goQuote,
  indexPath,
  invalidValue,
  keyPath,
  notFoundValue,
  notSupported,
  required,
  tooLong,
  tooMany,
} from "./field-error.ts";
export { type FieldRequirement, type FieldSelector, parseFieldSelector } from "./field-selector.ts";
export { canonicalJson, compareUtf8, encodeJson, RawJson } from "./go-json.ts";
export { SharedParts } from "./shared-parts.ts";
export { goPrint } from "./go-print.ts";
export { fnv1a32, safeEncode } from "./hash.ts";
export { type IntOrString, scaledValue } from "./int-or-string.ts";
export { JsonError, parseJson, type ParseJsonOptions } from "./json.ts";
export { applyJsonPatch } from "./json-patch.ts";
export {
  formatLabelSelector,
  type LabelOperator,
  type LabelRequirement,
  type LabelSelector,
  type LabelSelectorRequirement,
  parseLabelSelector,
  type Selector,
  selectorFromLabelSelector,
} from "./label-selector.ts";
export { jsonMergePatch } from "./merge-patch.ts";
export {
  controllerOf,
  type Draft,
  keyOf,
  type KubeList,
  type KubeObject,
  type ListMeta,
  type ManagedFieldsEntry,
  type ObjectMeta,
  type OwnerReference,
} from "./meta.ts";
export {
  configMapKeyErrors,
  dns1035LabelErrors,
  dnsLabelErrors,
  dnsSubdomainErrors,
  labelValueErrors,
  percentErrors,
  portNameErrors,
  portNumberErrors,
  qualifiedNameErrors,
} from "./names.ts";
export { copyJson, isObject, jsonTypeOf } from "./objects.ts";
export { decodeProtobuf, type Envelope, readEnvelope } from "./protobuf.ts";
export {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  parseQuantity,
  type Quantity,
  quantityFormatMessage,
  quantityMilli,
  quantityValue,
} from "./quantity.ts";
export { isFlagSet, type RequestInfo, requestInfoOf, type ResourceVerb } from "./request-info.ts";
export {
  apiVersionOf,
  type PathOptions,
  qualifiedResource,
  type Resource,
  resourcePath,
} from "./resource.ts";
export {
  type ArraySchema,
  type Field,
  isMergeList,
  type MapSchema,
  type ObjectSchema,
  type PatchStrategy,
  type RefSchema,
  resolveSchema,
  type ScalarSchema,
  type ScalarType,
  type Schema,
  type SchemaTable,
  type SchemaType,
} from "./schema.ts";
export {
  alreadyExists,
  badRequest,
  conflict,
  expired,
  type ExpiredOptions,
  forbidden,
  generateNameConflict,
  type GroupKind,
  type GroupResource,
  hasStatusCause,
  internalError,
  invalid,
  isAlreadyExists,
  isBadRequest,
  isConflict,
  isExpired,
  isInternalError,
  isInvalid,
  isMethodNotAllowed,
  isNotFound,
  isServerTimeout,
  isTimeout,
  methodNotAllowed,
  methodNotServed,
  noRepresentation,
  notAcceptable,
  notFound,
  pathNotFound,
  plainFailure,
  requestEntityTooLarge,
  resourceVersionTooLarge,
  type RetryOptions,
  serviceUnavailable,
  type Status,
  type StatusCause,
  type StatusDetails,
  StatusError,
  statusOf,
  type StatusReason,
  successStatus,
  suggestedRetrySeconds,
  timeout,
  tooManyRequests,
  unauthorized,
  typeNotServed,
  unsupportedMediaType,
  wrongForm,
} from "./status.ts";
export { formatMicroTime, formatTime, humanDuration, parseTimeMs } from "./time.ts";
export { strategicMergePatch } from "./strategic-merge-patch.ts";
export { ProtobufError } from "./wire-reader.ts";
