import { refuse } from "capability-protocol/result";
import { type Callable, callable } from "./callable.ts";
import { CommonSDK } from "./common.ts";
import { invalidField } from "./error.ts";
import { fetchTransport } from "./fetch-transport.ts";
import { MembraneClient } from "./membrane-client.ts";
import { type MembraneOptions, readTrust } from "./trust.ts";

class FetchMembrane extends MembraneClient {
  /** @throws CapabilityError for a `trustedCA`: its user, not a page, decides which CAs a browser trusts. */
  constructor(options?: MembraneOptions | null) {
    if (readTrust(options).size > 0)
      throw invalidField(refuse("tls.trustedCA", "no value in a browser").error);
    super(fetchTransport);
  }
}

/** Client of a Membrane Service; can be called without `new`. */
export const Membrane: Callable<typeof FetchMembrane> = callable(FetchMembrane);
export type Membrane = FetchMembrane;

/** The default import in browsers: the part of the SDK that does not need Node.js. */
class BrowserSDK extends CommonSDK {
  static readonly Membrane: Callable<typeof FetchMembrane> = Membrane;
}

const CapabilitySDK: Callable<typeof BrowserSDK> = callable(BrowserSDK);

export { CapabilitySDK as default };
export { CapabilityError } from "./error.ts";
export { fetchCapability as fetch } from "./fetch.ts";
export { VERSION as version } from "./version.ts";
export type { Callback } from "./callbackify.ts";
export type { CapabilityRequestInit } from "./fetch.ts";
export type { MembraneOptions } from "./trust.ts";
