import { type Callable, callable } from "./callable.ts";
import { CommonSDK } from "./common.ts";
import { Membrane } from "./membrane.ts";
import { requestReply } from "./request-reply.ts";
import { request } from "./request.ts";

/** The value of `require("capability-sdk")` and of the default import. */
class NodeSDK extends CommonSDK {
  static readonly Membrane: typeof Membrane = Membrane;
  static readonly request: typeof request = request;
  static readonly requestReply: typeof requestReply = requestReply;
}

/**
 * @example
 * const membrane = new CapabilitySDK.Membrane();
 * membrane.create(CREATE_URI, { id }, (error, response) => {
 *   if (error) throw error;
 *   response?.id; // => id
 * });
 */
const CapabilitySDK: Callable<typeof NodeSDK> = callable(NodeSDK);

export { CapabilitySDK as default, CapabilitySDK as "module.exports" };
export { CapabilityError } from "./error.ts";
export { Membrane } from "./membrane.ts";
export { fetchCapability as fetch } from "./fetch.ts";
export { requestReply } from "./request-reply.ts";
export { request } from "./request.ts";
export { VERSION as version } from "./version.ts";
export type { Callback } from "./callbackify.ts";
export type { CapabilityRequestInit } from "./fetch.ts";
export type { MembraneQuery } from "./membrane-client.ts";
export type { MembraneOptions } from "./trust.ts";
export type {
  AcceptedResponse,
  CreateRequest,
  ExportResponse,
  ExportBody,
  MembraneResponse,
  MembraneCapabilities,
  QueryResponse,
  LimitsBody,
  ExportTermsBody,
  ReexportBody,
  RequestLimitBody,
  TargetBody,
} from "capability-protocol";
