// What a compiler must refuse. Were one of these types `any`, its line would compile, and the directive above it fail.
import { Membrane, fetch, request, requestReply } from "capability-sdk";
import type { CapabilityError } from "capability-sdk";
import { parseToken } from "capability-protocol";
import { createSigner } from "capability-protocol/signers";
import { readProfile } from "capability-sdk/profiles";

export async function wrong(capability: string, error: CapabilityError): Promise<unknown[]> {
  const membrane = new Membrane();
  // @ts-expect-error: an id is a string
  await membrane.create(capability, { id: 1 });
  // @ts-expect-error: an id is needed
  await membrane.create(capability, {});
  // @ts-expect-error: there is no such field
  await membrane.export(capability, { uri: "https://example.com/", verb: "GET" });
  // @ts-expect-error: a capability is a string
  await membrane.revoke(1);
  // @ts-expect-error: there is no such option
  const other = new Membrane({ ca: "PEM" });

  // @ts-expect-error: an object
  const created: number = await membrane.create(capability, { id: "friends" });
  // @ts-expect-error: an object
  const exported: number = await membrane.export(capability, { uri: "https://example.com/" });
  // @ts-expect-error: an object
  const listed: number = await membrane.query(capability);
  // @ts-expect-error: an object
  const revoked: number = await membrane.revoke(capability);
  // @ts-expect-error: an object
  const deleted: number = await membrane.deleteSelf(capability);
  // @ts-expect-error: a Response
  const response: number = await fetch(capability);
  // @ts-expect-error: a ClientRequest
  const sent: number = request(capability);
  // @ts-expect-error: unknown, until it was looked at
  const reply: number = await requestReply(capability);
  // @ts-expect-error: a number
  const status: string = error.statusCode;
  // @ts-expect-error: unknown, until it was looked at
  const cause: string = error.cause;
  // @ts-expect-error: a Profile
  const profile: number = await readProfile("directory", "default");
  // @ts-expect-error: a token
  const token: number = parseToken("text");
  // @ts-expect-error: a Signer
  const signer: number = createSigner(
    { scheme: "cap1-hmac-sha512", key: "key", keyId: "id" },
    [],
    () => "00",
  );
  membrane.create(capability, { id: "friends" }, (failed, answer) => {
    // @ts-expect-error: an error or undefined
    const first: number = failed;
    // @ts-expect-error: an object or undefined
    const second: number = answer;
    return [first, second];
  });
  const values = [created, exported, listed, revoked, deleted, response, sent, reply, status, cause, profile];
  return [other, token, signer, ...values];
}
