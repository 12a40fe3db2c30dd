/**
 * Credentials for AWS Signature Version 4.
 *
 * @example
 * const configuration: Aws4Configuration = {
 *   scheme: "aws4-hmac-sha256",
 *   awsAccessKeyId: "AKIDEXAMPLE",
 *   region: "us-east-1",
 *   service: "lambda",
 *   secretAccessKey: "secret",
 * };
 * configuration.scheme; // => "aws4-hmac-sha256"
 */
export interface Aws4Configuration {
  readonly scheme: "aws4-hmac-sha256";
  readonly awsAccessKeyId: string;
  readonly region: string;
  readonly service: string;
  readonly secretAccessKey: string;
  /** The session token of temporary credentials; sent as X-Amz-Security-Token. */
  readonly sessionToken?: string;
}

/**
 * Credentials for CAP1-HMAC-SHA512.
 *
 * @example
 * const configuration: Cap1Configuration = { scheme: "cap1-hmac-sha512", key: "c2VjcmV0", keyId: "1" };
 * configuration.keyId; // => "1"
 */
export interface Cap1Configuration {
  readonly scheme: "cap1-hmac-sha512";
  /** The shared secret, base64url. The text itself is the key; it is not decoded. */
  readonly key: string;
  readonly keyId: string;
}

/**
 * How a target's requests are signed.
 *
 * @example
 * const configuration: HmacConfiguration = { scheme: "cap1-hmac-sha512", key: "c2VjcmV0", keyId: "1" };
 * configuration.scheme; // => "cap1-hmac-sha512"
 */
export type HmacConfiguration = Aws4Configuration | Cap1Configuration;
