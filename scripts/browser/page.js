// Runs in the browser.
import CapabilitySDK, { CapabilityError } from "capability-sdk";
import "capability-protocol/signers";

/** @type {{ create: string, query: string, target: string }} */
const start = await readJson(await fetch("/start"));

const membrane = CapabilitySDK.Membrane();
const friends = await membrane.create(start.create, { id: "friends" });
const createdAgain = await refusal(membrane.create(start.create, { id: "friends" }));

const { capability } = await membrane.export(friends.capabilities.export, {
  uri: start.target,
  headers: { "X-Api-Key": "the-key-to-the-house" },
  allowQuery: true,
});
const query = new URLSearchParams({ a: "1", b: "ä &" });
const posted = await CapabilitySDK.fetch(capability, { method: "POST", body: "hello", query });

const { membranes, completed } = await membrane.query(start.query, { id: "friends" });
const passedOn = await membrane.export(friends.capabilities.export, { capability });
const put = await CapabilitySDK.fetch(passedOn.capability, { method: "PUT" });

const report = {
  created: friends.id,
  createdAgain,
  posted: { status: posted.status, house: posted.headers.get("x-house"), body: await readJson(posted) },
  queried: {
    completed,
    ids: membranes.map(({ id }) => id),
    isSame: membranes[0]?.capabilities.revoke === friends.capabilities.revoke,
  },
  passedOn: { status: put.status, body: await readJson(put) },
  refused: await refusal(membrane.create(start.create, { id: "" })),
  revoked: await membrane.revoke(friends.capabilities.revoke),
  afterwards: [await tryAgain(capability), await tryAgain(passedOn.capability)],
};
await fetch("/seen", { method: "POST", body: JSON.stringify(report) });

/** @param {Promise<unknown>} call */
async function refusal(call) {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof CapabilityError)) throw error;
    return { statusCode: error.statusCode, code: error.code };
  }
  throw new Error("a request that must be refused was not");
}

/** @param {string} revoked */
async function tryAgain(revoked) {
  const response = await CapabilitySDK.fetch(revoked);
  /** @type {{ error: string }} */
  const { error } = await readJson(response);
  return { status: response.status, error };
}

/** @param {Response} response */
async function readJson(response) {
  return JSON.parse(await response.text());
}
