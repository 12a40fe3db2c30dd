export {
  type AcceptedResponse,
  type ErrorBody,
  type ExportResponse,
  type MembraneResponse,
  type MembraneCapabilities,
  type ProvisionResponse,
  type QueryResponse,
  type TenantCapabilities,
  parseAcceptedResponse,
  parseExportResponse,
  parseMembraneResponse,
  parseQueryResponse,
} from "./api/responses.ts";
export {
  type CreateRequest,
  type ProvisionRequest,
  parseCreateRequest,
  parseProvisionRequest,
} from "./api/create.ts";
export type {
  ExportBody,
  LimitsBody,
  ExportTermsBody,
  ReexportBody,
  RequestLimitBody,
  TargetBody,
} from "./api/export-body.ts";
export { type ExportRequest, type RequestedTerms, parseExportRequest } from "./api/export.ts";
export { type QueryRequest, formatQueryRequest, parseQueryFields, parseQueryRequest } from "./api/query.ts";
export type { ConfiguredHeader } from "./api/target-headers.ts";
export type { Aws4Configuration, Cap1Configuration, HmacConfiguration } from "./signers/configuration.ts";
export type { TlsConfiguration } from "./api/target-tls.ts";
export type { TargetConfiguration } from "./api/target.ts";
export {
  type TargetOrigin,
  type TargetUri,
  formatTargetUri,
  originOfAuthority,
  parseTargetUri,
  readTargetUri,
} from "./api/target-uri.ts";
export { type Cidr, type IpAddress, containsAddress, parseAddress, parseCidr } from "./address.ts";
export { type Authority, normalizeAuthority, parseAuthority } from "./authority.ts";
export { decodeBase64url, encodeBase64url } from "./base64url.ts";
export {
  FORWARDABLE_METHODS,
  HOP_BY_HOP_REQUEST,
  HOP_BY_HOP_RESPONSE,
  TOKEN_HEADERS,
  foldHeaderName,
  isFieldValue,
  isToken,
  parseMethod,
  trimFieldValue,
} from "./http-syntax.ts";
export { NEVER_FORWARDED } from "./openings/header-names.ts";
export { type JsonShape, findRepeatedName, measureJson } from "./json/shape.ts";
export type {
  AllowedValues,
  HeaderLimit,
  Limits,
  ListedValue,
  QueryLimit,
  RequestLimit,
} from "./limits/limits.ts";
export {
  type CanonicalPath,
  type PathOpenings,
  type PathProblem,
  type PathRule,
  canonicalizePath,
} from "./openings/path.ts";
export type { Openings } from "./openings/openings.ts";
export {
  type RequestedLimits,
  checkServiceCapabilityLimits,
  parseLimits,
  startLimits,
} from "./limits/parse-limits.ts";
export { type PathPattern, matchesPathPattern, parsePathPattern, splitPath } from "./limits/path-pattern.ts";
export {
  type Err,
  type Ok,
  type Parsed,
  type Problem,
  type Result,
  describeProblem,
  err,
  ok,
  printableName,
  refuse,
} from "./result.ts";
export {
  type CapabilityToken,
  TOKEN_BYTES,
  TOKEN_LENGTH,
  TOKEN_PATTERN,
  formatToken,
  parseToken,
  tokenBytes,
} from "./token.ts";
export {
  AUTHORITY_FORM_EXPECTED,
  type AuthorityCapabilityUri,
  type CapabilityUri,
  type Endpoint,
  type KeyCapabilityUri,
  expectedCapability,
  formatCapabilityUri,
  parseCapabilityUri,
  resolveEndpoint,
} from "./uri.ts";
export { BUFFERED_BODY_BYTES, PAYLOAD_HASH_HEADER } from "./payload.ts";
export { MEMBRANE_OPERATION_HEADER, MEMBRANE_OPERATIONS, parseMembraneOperation } from "./operation.ts";
export type { MembraneOperation } from "./operation.ts";
