import { CapabilityError } from "./error.ts";
import { fetchCapability } from "./fetch.ts";
import { VERSION } from "./version.ts";

/** The members of the default export on every platform. */
export class CommonSDK {
  static readonly CapabilityError: typeof CapabilityError = CapabilityError;
  static readonly fetch: typeof fetchCapability = fetchCapability;
  /** Version of this package. */
  static readonly version: string = VERSION;

  readonly version: string = VERSION;
}
