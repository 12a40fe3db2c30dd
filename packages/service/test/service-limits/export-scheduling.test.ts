import { expect, test } from "vitest";
import { call, createMembrane, expectStatus, tokenOf } from "../../../testkit/src/client.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";

test("exports with 64 KiB of certificates take turns, and another tenant's waits for none of them", async () => {
  await using service = await startTestService();
  const { ca } = await makeCertificate("127.0.0.1");
  const one = { uri: "https://127.0.0.1:1/", tls: { ca } };
  const many = { ...one, tls: { ca: ca.repeat(Math.floor(65_536 / ca.length)) } };
  const other = expectStatus(await call(service, service.tokens.provision, { body: { id: "other" } }), 201);
  const mine = await createMembrane(service, service.tokens.create, "m");
  const theirs = await createMembrane(service, tokenOf(other.json.capabilities.create), "m");

  const responded: string[] = [];
  const send = async (whose: string, token: string, body: object): Promise<void> => {
    expectStatus(await call(service, token, { body }), 201);
    responded.push(whose);
  };
  await send("mine", mine.export, many);
  const waiting = Array.from({ length: 12 }, () => send("mine", mine.export, many));
  // Time for all of them to be read, and carried out if they did not take turns.
  for (let look = 0; look < 10; look += 1) await call(service, undefined, { path: "/healthz" });
  await Promise.all([...waiting, send("theirs", theirs.export, one)]);
  expect(responded.indexOf("theirs")).toBeLessThan(responded.lastIndexOf("mine"));
});
