import assert from "node:assert/strict";
import CapabilitySDK, { CapabilityError, Membrane, fetch, request } from "capability-sdk";
import { profileDirectory } from "capability-sdk/profiles";
import { parseToken } from "capability-protocol";
import { createSigner } from "capability-protocol/signers";

assert.equal(CapabilitySDK.Membrane, Membrane);
assert.ok(new CapabilitySDK() instanceof CapabilitySDK);
for (const membrane of [new Membrane(), Membrane()]) {
  assert.ok(membrane instanceof Membrane);
  // Refused before anything is sent.
  await assert.rejects(membrane.create("no capability", { id: "friends" }), (error) => {
    assert.ok(error instanceof CapabilityError);
    assert.equal(error.code, "invalid_field");
    return true;
  });
}
for (const exported of [fetch, request, profileDirectory, parseToken, createSigner])
  assert.equal(typeof exported, "function");
console.log("right");
