/** Where a command finds a capability that is not given, and which CAs it trusts. */
export interface TrustOptions {
  /** Default: the profile `default`, which may be missing if nothing is read from it. */
  readonly profile: string | undefined;
  /** Path of a JSON file: authority → PEM. */
  readonly trustedCaFile: string | undefined;
  /** Path of a PEM file: the CA for the authority of the capability that is used. */
  readonly caFile: string | undefined;
}
