const assert = require("node:assert/strict");
const CapabilitySDK = require("capability-sdk");

assert.equal(typeof CapabilitySDK, "function");
assert.ok(CapabilitySDK() instanceof CapabilitySDK);
// A port without a listener: the request goes out, and its failure comes back.
const unreachable = `cpblty://127.0.0.1:1/#CPBLTY1-${"A".repeat(86)}`;
let called = 0;
for (const membrane of [new CapabilitySDK.Membrane(), CapabilitySDK.Membrane()]) {
  assert.ok(membrane instanceof CapabilitySDK.Membrane);
  membrane.create(unreachable, { id: "friends" }, (error, response) => {
    assert.ok(error instanceof CapabilitySDK.CapabilityError);
    assert.equal(error.code, "request_failed");
    assert.equal(response, undefined);
    called += 1;
    if (called === 2) console.log("right");
  });
}
