import { type Callable, callable } from "./callable.ts";
import { CommonSDK } from "./common.ts";
import { httpsTransport } from "./https-transport.ts";
import { MembraneClient } from "./membrane-client.ts";
import { requestReply } from "./request-reply.ts";
import { request } from "./request.ts";
import { type MembraneOptions, readTrust } from "./trust.ts";

class HttpsMembrane extends MembraneClient {
  /**
   * @param options `tls.trustedCA`: PEM of private certificate authorities, by the authority for which they are trusted.
   * @throws CapabilityError that names the invalid option.
   */
  constructor(options?: MembraneOptions | null) {
    super(httpsTransport(readTrust(options)));
  }
}

/**
 * Client of a Membrane Service; can be called without `new`.
 *
 * @example
 * const membrane = new Membrane({ tls: { trustedCA: { [AUTHORITY]: CA } } });
 * const { capabilities } = await membrane.create(CREATE_URI, { id });
 * const { capability } = await membrane.export(capabilities.export, { uri: TARGET });
 * capability.startsWith(`cpblty://${AUTHORITY}/#CPBLTY1-`); // => true
 * await membrane.revoke(capabilities.revoke); // => { statusCode: 202, message: "Accepted" }
 */
export const Membrane: Callable<typeof HttpsMembrane> = callable(HttpsMembrane);
export type Membrane = HttpsMembrane;

/** The value of `require("capability-sdk")` and of the default import. */
class NodeSDK extends CommonSDK {
  static readonly Membrane: Callable<typeof HttpsMembrane> = Membrane;
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
