/**
 * Body of a POST to an `export` capability, before it is checked; `parseExportRequest` says what is accepted.
 *
 * @example
 * const bodies: ExportBody[] = [
 *   { uri: "https://api.example/report" },
 *   { capability: `cpblty://localhost:8443/#${TOKEN}` },
 * ];
 * bodies.every((body) => parseExportRequest(body).ok); // => true
 */
export type ExportBody = TargetBody | ReexportBody;

/**
 * A target: the upstream request that the new capability represents.
 *
 * @example
 * const body: TargetBody = {
 *   uri: "https://api.example/report",
 *   method: "GET",
 *   headers: { "X-Api-Key": "secret" },
 *   timeoutMs: 5_000,
 * };
 * parseExportRequest(body).ok; // => true
 */
export interface TargetBody {
  /** http or https, absolute, without user info and fragment. */
  readonly uri: string;
  /** Default: the client's method. */
  readonly method?: string | undefined;
  /** Replaces the client's headers, name by name. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whether the client's query is appended to that of `uri`. Default false. */
  readonly allowQuery?: boolean | undefined;
  /** Longest time without a byte from the target, in milliseconds. Cannot exceed the service's own limit. */
  readonly timeoutMs?: number | undefined;
  /** How each request is signed. Default: not at all. */
  readonly hmac?:
    | {
        readonly "aws4-hmac-sha256": {
          readonly awsAccessKeyId: string;
          readonly region: string;
          readonly service: string;
          readonly secretAccessKey: string;
          /** The session token of temporary credentials. */
          readonly sessionToken?: string | undefined;
        };
      }
    | {
        readonly "cap1-hmac-sha512": {
          /** Base64url without padding. */
          readonly key: string;
          readonly keyId: string;
        };
      }
    | undefined;
  /** TLS options for the target; all texts are PEM. */
  readonly tls?:
    | {
        /** Replaces the default certificate authorities. */
        readonly ca?: string | undefined;
        /** Client certificate; requires `key`. */
        readonly cert?: string | undefined;
        /** Its private key, unencrypted. */
        readonly key?: string | undefined;
        /** Default true; false skips the check of this target's certificate. */
        readonly rejectUnauthorized?: boolean | undefined;
      }
    | undefined;
}

/**
 * A capability that the client holds: the new one does what that one does, and ends with it.
 *
 * @example
 * const body: ReexportBody = { capability: `cpblty://localhost:8443/#${TOKEN}` };
 * parseExportRequest(body).ok; // => true
 */
export interface ReexportBody {
  /** Capability URI of the form `cpblty://authority/#token`. */
  readonly capability: string;
}
