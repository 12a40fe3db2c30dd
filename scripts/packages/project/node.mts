// What a program in TypeScript may write; compiled only.
import type { ClientRequest, IncomingMessage } from "node:http";
import CapabilitySDK, {
  type AcceptedResponse,
  CapabilityError,
  type ExportResponse,
  type ExportBody,
  Membrane,
  type MembraneResponse,
  type QueryResponse,
  fetch,
  request,
} from "capability-sdk";
import { type CapabilityUri, formatCapabilityUri, parseCapabilityUri } from "capability-protocol";
import { type HashFunction, type Signer, createSigner } from "capability-protocol/signers";
import { type Profile, profileDirectory, readProfile } from "capability-sdk/profiles";

export async function withPromises(create: string, query: string): Promise<string> {
  const membrane: Membrane = new Membrane({ tls: { trustedCA: { "localhost:8443": "PEM" } } });
  const { capabilities }: MembraneResponse = await membrane.create(create, { id: "friends" });
  const target: ExportBody = {
    uri: "https://example.com/",
    headers: { "X-Api-Key": "key" },
    allowQuery: true,
  };
  const exported: ExportResponse = await membrane.export(capabilities.export, target);
  const passedOn: ExportResponse = await membrane.export(capabilities.export, exported);
  const listed: QueryResponse = await membrane.query(query, { limit: 10 });
  const accepted: AcceptedResponse = await membrane.revoke(capabilities.revoke);
  const response: Response = await fetch(passedOn.capability, {
    method: "POST",
    body: "hello",
    query: "a=1",
  });
  return `${listed.membranes.length} ${accepted.message} ${await response.text()}`;
}

export function withCallbacks(create: string, done: (result: string | CapabilityError) => void): void {
  const membrane: Membrane = CapabilitySDK.Membrane();
  membrane.create(create, { id: "friends" }, (error, response) => {
    if (error !== undefined) done(error);
    else done(response?.capabilities.export ?? "");
  });
}

export function withRequest(exported: string): ClientRequest {
  return request(exported, { path: "/?a=1" }, (exportResponse: IncomingMessage) => exportResponse.resume());
}

export function reasonOf(error: unknown): string {
  if (!(error instanceof CapabilityError)) return "unknown";
  const status: number = error.statusCode;
  return `${status} ${error.error} ${error.code} ${error.message}`;
}

export async function profileOf(home: string): Promise<string | undefined> {
  const profile: Profile | undefined = await readProfile(profileDirectory(home), "default");
  return profile?.capabilities.create;
}

export function written(text: string): string | undefined {
  const uri: CapabilityUri | undefined = parseCapabilityUri(text);
  return uri && formatCapabilityUri(uri);
}

export function signer(hash: HashFunction): Signer {
  return createSigner({ scheme: "cap1-hmac-sha512", key: "c2VjcmV0", keyId: "me" }, [], hash);
}
