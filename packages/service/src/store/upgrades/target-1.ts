import type {
  ConfiguredHeader,
  HmacConfiguration,
  TargetConfiguration,
  TlsConfiguration,
} from "capability-protocol";
import { HOP_BY_HOP_REQUEST, parseCapabilityUri, trimFieldValue } from "capability-protocol";
import type { TargetContent } from "../../domain/target.ts";
import { StoreCorruptError } from "../store.ts";
import { JsonObject } from "./json-object.ts";
import { isTarget1Bounded, readTarget1Uri } from "./target-1-bounds.ts";

/**
 * Reads the payload of a target of version 1: the JSON body of the export. The payload opens only with a token, so there is
 * no moment at which all targets could be written again: this step is taken at each reading.
 *
 * The body is read without the rules for exports, which may become stricter: it was accepted when it was exported, and is
 * authenticated since.
 *
 * @returns nothing for a target that the first exports accepted and that is not sent: its URI would be sent as another one, or
 *   a field is too long.
 * @throws StoreCorruptError if the payload is no such body.
 */
export function readTargetVersion1(payload: Buffer): TargetContent | undefined {
  const body = JsonObject.parse(payload.toString("utf8"));
  return body.has("capability") ? readFederated(body) : readConfigured(body);
}

function readFederated(body: JsonObject): TargetContent {
  const capability = parseCapabilityUri(body.text("capability"));
  if (capability?.kind !== "authority") throw new StoreCorruptError("a target names no capability");
  return { kind: "federated", capability };
}

function readConfigured(body: JsonObject): TargetContent | undefined {
  const uri = readTarget1Uri(body.text("uri"));
  if (uri === undefined) return undefined;
  const method = body.optionalText("method");
  const timeoutMs = body.optionalNumber("timeoutMs");
  const hmac = body.optionalObject("hmac");
  const tls = body.optionalObject("tls");
  const configuration: TargetConfiguration = {
    uri,
    ...(method !== undefined && { method: method.toUpperCase() }),
    headers: readHeaders(body.optionalObject("headers")),
    allowQuery: body.optionalFlag("allowQuery") ?? false,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(hmac !== undefined && { hmac: readHmac(hmac) }),
    ...(tls !== undefined && { tls: readTls(tls) }),
  };
  return isTarget1Bounded(configuration) ? { kind: "configured", configuration } : undefined;
}

/** Hop-by-hop headers were accepted, and left out. */
function readHeaders(headers: JsonObject | undefined): readonly ConfiguredHeader[] {
  if (headers === undefined) return [];
  return headers
    .names()
    .filter((name) => !HOP_BY_HOP_REQUEST.has(name.toLowerCase()))
    .map((name) => [name, trimFieldValue(headers.text(name))]);
}

function readHmac(hmac: JsonObject): HmacConfiguration {
  const [scheme] = hmac.names();
  switch (scheme) {
    case "aws4-hmac-sha256": {
      const credentials = hmac.object(scheme);
      const sessionToken = credentials.optionalText("sessionToken");
      return {
        scheme,
        awsAccessKeyId: credentials.text("awsAccessKeyId"),
        region: credentials.text("region"),
        service: credentials.text("service"),
        secretAccessKey: credentials.text("secretAccessKey"),
        ...(sessionToken !== undefined && { sessionToken }),
      };
    }
    case "cap1-hmac-sha512": {
      const credentials = hmac.object(scheme);
      return { scheme, key: credentials.text("key"), keyId: credentials.text("keyId") };
    }
    case undefined:
    default:
      throw new StoreCorruptError("a target is signed by no scheme of version 1");
  }
}

function readTls(tls: JsonObject): TlsConfiguration {
  const ca = tls.optionalText("ca");
  const cert = tls.optionalText("cert");
  const key = tls.optionalText("key");
  const rejectUnauthorized = tls.optionalFlag("rejectUnauthorized");
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
  };
}
