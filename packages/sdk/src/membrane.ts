import { type Callable, callable } from "./callable.ts";
import { httpsTransport } from "./https-transport.ts";
import { MembraneClient } from "./membrane-client.ts";
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
